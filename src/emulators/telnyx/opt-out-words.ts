/** The words Telnyx answers by itself. @see https://developers.telnyx.com/docs/messaging/messages/advanced-opt-in-out */
import type { OptOutWords } from '../opt-outs.js';

export const TELNYX_WORDS: OptOutWords = {
  words: {
    STOP: 'STOP',
    STOPALL: 'STOP',
    'STOP ALL': 'STOP',
    UNSUBSCRIBE: 'STOP',
    CANCEL: 'STOP',
    END: 'STOP',
    QUIT: 'STOP',
    START: 'START',
    UNSTOP: 'START',
    HELP: 'HELP',
    INFO: 'HELP',
  },
  answers: {
    STOP: 'You have been unsubscribed and will receive no further messages. Reply START to resubscribe.',
    START: 'You have been resubscribed and will receive messages again. Reply STOP to unsubscribe.',
    HELP: 'Reply STOP to unsubscribe.',
  },
};
