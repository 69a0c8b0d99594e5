/** Files that are only here, over vendors of text messages: all of them fetch files by their address, so they get a link. */
import { describe, expect, it } from 'vitest';
import {
  RCSChannel,
  RoomKit,
  silentLogger,
  SMSChannel,
  TransportChannel,
  type MediaFetch,
  type MediaFetchOptions,
  type TransportProvider,
} from '../../src/index.js';
import { TwilioRCSProvider } from '../../src/providers/twilio/index.js';
import { InMemoryMediaStore, type OpenTransport } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { until } from '../support/webhook-port.js';
import { openSinch } from './open-sinch.js';
import { openTelnyxRcs } from './open-telnyx-rcs.js';
import { openTelnyx } from './open-telnyx.js';
import { openTwilioRcs } from './open-twilio-rcs.js';
import { openTwilio } from './open-twilio.js';
import { openVoiceMeUp } from './open-voicemeup.js';

const sms = (provider: TransportProvider): TransportChannel => new SMSChannel('phone', { provider });
const rcs = (provider: TransportProvider): TransportChannel => new RCSChannel('phone', { provider });
const VENDORS: readonly (readonly [string, OpenTransport, typeof sms])[] = [
  ['Twilio', openTwilio, sms],
  ['Twilio RCS', openTwilioRcs, rcs],
  ['Telnyx', openTelnyx, sms],
  ['Telnyx RCS', openTelnyxRcs, rcs],
  ['Sinch', openSinch, sms],
  ['VoiceMeUp', openVoiceMeUp, sms],
];

describe('a picture that is only here', () => {
  it.each(VENDORS)('reaches a phone over %s by a link to the stored file', async (_name, open, channelOf) => {
    verifies('PV-05');
    const setup = await open();
    const kit = new RoomKit({ logger: silentLogger, mediaStore: new InMemoryMediaStore() });
    try {
      kit.registerChannel(channelOf(setup.provider));
      kit.registerChannel(new TransportChannel('desk', { channelType: 'webhook' }));
      await kit.createRoom({ roomId: 'room' });
      await kit.attachChannel('room', 'desk');
      await kit.attachChannel('room', 'phone', { metadata: { phone_number: setup.to } });
      await kit.sendEvent('room', 'desk', { type: 'media', url: 'data:image/png;base64,iVBORw0KGgo=', mimeType: 'image/png' });
      await until(() => setup.arrived().length === 1, 'it arrives');
      expect(setup.arrived()[0]?.media).toEqual([expect.stringMatching(/^https:\/\/media\.test\/media\//)]);
    } finally {
      await kit.close();
      await setup.close();
    }
  });
});

it('a picture that came by RCS is asked for with the account, at Twilio and for this account only', () => {
  verifies('MED-01', 'PV-14');
  const accountSid = `AC${'1'.repeat(32)}`;
  const provider = new TwilioRCSProvider({ accountSid, authToken: 'the-token', messagingServiceSid: `MG${'a'.repeat(32)}` });
  const asked: (MediaFetchOptions | undefined)[] = [];
  const fetch: MediaFetch = (_url, options) => {
    asked.push(options);
    return Promise.reject(new Error('asked'));
  };
  const { signal } = new AbortController();
  const path = `/2010-04-01/Accounts/${accountSid}/Messages/MM1/Media/ME1`;
  void provider.fetchMedia(`https://api.twilio.com${path}`, { fetch, signal })?.catch(() => undefined);
  expect(asked.map((options) => options?.credentials?.hosts)).toEqual([['api.twilio.com']]);
  for (const url of [
    `https://api.twilio.com.evil.example${path}`,
    'https://api.twilio.com/2010-04-01/Accounts/AC2/Messages/MM1/Media/ME1',
    'nonsense',
  ])
    expect(provider.fetchMedia(url, { fetch, signal })).toBeNull();
});
