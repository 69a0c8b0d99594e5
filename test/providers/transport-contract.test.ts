/** The contract of messaging vendors, on every provider there is, each in front of its vendor's emulator over real sockets. */
import { describe, it } from 'vitest';
import { transportContract, type OpenTransport } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { openElasticEmail } from './open-elasticemail.js';
import { openHttp } from './open-http.js';
import { openMessenger } from './open-messenger.js';
import { openSendGrid } from './open-sendgrid.js';
import { openSinch } from './open-sinch.js';
import { openSmtp } from './open-smtp.js';
import { openTeams } from './open-teams.js';
import { openTelegram } from './open-telegram.js';
import { openTelnyxRcs } from './open-telnyx-rcs.js';
import { openTelnyx } from './open-telnyx.js';
import { openTwilioRcs } from './open-twilio-rcs.js';
import { openTwilio } from './open-twilio.js';
import { openVoiceMeUp } from './open-voicemeup.js';
import { openWhatsAppPersonal } from './open-whatsapp-personal.js';
import { openWhatsApp } from './open-whatsapp.js';

const PROVIDERS: Readonly<Record<string, OpenTransport>> = {
  SinchSMSProvider: openSinch,
  'SinchSMSProvider (hmac_sha1)': (options) => openSinch({ ...options, signatureScheme: 'hmac_sha1' }),
  TelnyxRCSProvider: openTelnyxRcs,
  TelnyxSMSProvider: openTelnyx,
  BotFrameworkTeamsProvider: openTeams,
  FacebookMessengerProvider: openMessenger,
  TelegramBotProvider: openTelegram,
  ElasticEmailProvider: openElasticEmail,
  SMTPProvider: openSmtp,
  TwilioRCSProvider: openTwilioRcs,
  SendGridProvider: openSendGrid,
  TwilioSMSProvider: openTwilio,
  WhatsAppCloudProvider: openWhatsApp,
  WhatsAppPersonalProvider: openWhatsAppPersonal,
  WebhookHTTPProvider: openHttp,
  VoiceMeUpSMSProvider: openVoiceMeUp,
};

for (const [name, open] of Object.entries(PROVIDERS)) {
  describe(name, () => {
    for (const { name: promise, rules, run } of transportContract) {
      it(promise, async () => {
        verifies(...rules);
        await run(open);
      });
    }
  });
}
