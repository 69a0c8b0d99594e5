/** The words Twilio answers by itself. @see https://help.twilio.com/articles/223134027 */
import type { OptOutWords } from '../opt-outs.js';

export const TWILIO_WORDS: OptOutWords = {
  words: {
    STOP: 'STOP',
    STOPALL: 'STOP',
    UNSUBSCRIBE: 'STOP',
    CANCEL: 'STOP',
    END: 'STOP',
    QUIT: 'STOP',
    OPTOUT: 'STOP',
    REVOKE: 'STOP',
    START: 'START',
    UNSTOP: 'START',
    YES: 'START',
    HELP: 'HELP',
    INFO: 'HELP',
  },
  answers: {
    STOP: 'You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe.',
    START:
      'You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.',
    HELP: 'Reply STOP to unsubscribe. Msg&Data Rates May Apply.',
  },
};
