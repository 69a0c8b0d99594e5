/** The help desk behind the webhooks of this folder: text messages over Twilio, and an agent that answers them. */
import { Agent, createWebhookHandler, messageText, MockAIProvider, RoomKit, SMSChannel, type AIContext, type WebhookHandler } from 'roomkit';
import { TwilioSMSProvider } from 'roomkit/twilio';

/** Twilio's account and token come from TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN. */
export function openHelpDesk({ publicUrl = process.env.PUBLIC_URL, twilioUrl = process.env.TWILIO_URL } = {}): {
  kit: RoomKit;
  webhook: WebhookHandler;
} {
  const kit = new RoomKit();
  const provider = new TwilioSMSProvider({ fromNumber: '+15550100', baseUrl: twilioUrl }); // without it: Twilio itself
  kit.registerChannel(new SMSChannel('sms', { provider }));
  kit.registerChannel(new Agent('helper', { provider: new MockAIProvider({ responder: answer }) }));
  kit.hook('on_room_created', { name: 'with_helper' }, async ({ roomId }) => {
    await kit.attachChannel(roomId, 'helper', { category: 'intelligence' });
  });
  // Behind a proxy or tunnel: the address Twilio calls, which it signs.
  return { kit, webhook: createWebhookHandler({ kit, provider, channelId: 'sms', publicUrl }) };
}

/** In the place of a model. */
function answer({ messages }: AIContext): string {
  const said = messages.filter(({ role }) => role === 'user');
  return `We have read “${messageText(said.at(-1))}”, your message ${said.length}.`;
}
