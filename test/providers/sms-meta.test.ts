/** extractSmsMeta: one view of the calls of all vendors of text messages, which agrees with each vendor's own parser. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SMSChannel, ValidationError, type WebhookMeta } from '../../src/index.js';
import { extractSmsMeta } from '../../src/providers/sms/index.js';
import sinch from '../../src/providers/sinch/fixtures/webhooks.json' with { type: 'json' };
import { parseSinchWebhook } from '../../src/providers/sinch/index.js';
import telnyx from '../../src/providers/telnyx/fixtures/webhooks.json' with { type: 'json' };
import { parseTelnyxWebhook } from '../../src/providers/telnyx/index.js';
import twilio from '../../src/providers/twilio/fixtures/webhooks.json' with { type: 'json' };
import { parseTwilioWebhook } from '../../src/providers/twilio/index.js';
import voicemeup from '../../src/providers/voicemeup/fixtures/webhooks.json' with { type: 'json' };
import { parseVoicemeupWebhook } from '../../src/providers/voicemeup/index.js';
import { makeKit } from '../support/harness.js';
import { verifies } from '../requirements.js';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 1) * 200;
const PARSERS: Readonly<Record<string, readonly [(payload: unknown) => WebhookMeta, Readonly<Record<string, unknown>>]>> = {
  twilio: [parseTwilioWebhook, twilio.payloads],
  telnyx: [parseTelnyxWebhook, telnyx.payloads],
  sinch: [parseSinchWebhook, sinch.payloads],
  voicemeup: [parseVoicemeupWebhook, voicemeup.payloads],
};

describe('extractSmsMeta', () => {
  it.each(Object.keys(PARSERS))('agrees with the parser of %s', (vendor) => {
    verifies('PV-07', 'PV-08', 'PV-11');
    const [parse, payloads] = PARSERS[vendor] ?? [() => expect.fail(), {}];
    for (const [name, payload] of Object.entries(payloads)) {
      const meta = extractSmsMeta(vendor, payload);
      const parsed = parse(payload);
      expect([meta.provider, meta.isInbound, meta.isStatus, meta.raw], name).toEqual([
        vendor,
        parsed.type === 'message',
        parsed.type === 'status',
        payload,
      ]);
      if (parsed.type === 'message') {
        const { senderId, content, externalId, providerMessageId, idempotencyKey, rawPayload } = parsed.message;
        const inbound = meta.toInbound('sms');
        expect(inbound).toMatchObject({ channelId: 'sms', senderId, externalId, providerMessageId, idempotencyKey, rawPayload });
        // The bytes of a binary message are shown by the parser alone.
        if (name !== 'binary') expect(inbound.content, name).toEqual(content);
        expect(() => meta.toStatus()).toThrow(ValidationError);
      } else if (parsed.type === 'status') {
        expect(parsed.status).toMatchObject(meta.toStatus());
        expect(() => meta.toInbound('sms')).toThrow(ValidationError);
      }
    }
  });

  it('gives sender, recipient, body, media and time', () => {
    verifies('PV-08');
    const meta = extractSmsMeta('Telnyx', telnyx.payloads.mms);
    expect([meta.sender, meta.recipient, meta.body, meta.mediaUrls, meta.externalId]).toEqual([
      '+13125550001',
      '+17735550002',
      'Hello from Telnyx!',
      ['https://media.example.com/inbound/a.png'],
      telnyx.payloads.mms.data.payload.id,
    ]);
    expect([meta.timestamp, meta.direction, meta.eventType, meta.status]).toEqual([
      '2019-12-09T20:16:07.503Z',
      'inbound',
      'message.received',
      undefined,
    ]);
    expect(extractSmsMeta('sinch', { ...sinch.payloads.text, received_at: 'some day' }).timestamp).toBeUndefined();
  });

  it('knows vendors by their names in whatever case, and no others', () => {
    verifies('PV-06');
    for (const name of ['TWILIO', 'Telnyx', 'sinch', 'VoiceMeUp']) expect(extractSmsMeta(name, {}).provider).toBe(name.toLowerCase());
    for (const name of ['', 'vonage', 'constructor', '__proto__']) expect(() => extractSmsMeta(name, {})).toThrow(/twilio, telnyx, sinch, voicemeup/);
  });

  it('takes what says nothing else for a message only when somebody said something', () => {
    verifies('PV-11');
    const hello = { From: '+15550123', To: '+15550100', Body: 'Hello', MessageSid: 'SM1' };
    expect(extractSmsMeta('twilio', hello).isInbound).toBe(true);
    for (const odd of [{ ...hello, From: '' }, { ...hello, Body: '' }, {}, null, 'x', []])
      expect(extractSmsMeta('twilio', odd).isInbound).toBe(false);
    expect(extractSmsMeta('voicemeup', { ...voicemeup.payloads.sms, direction: 'outbound' }).isInbound).toBe(false);
    expect(extractSmsMeta('sinch', { type: 'mo_text' }).isInbound).toBe(true);
    expect(() => extractSmsMeta('sinch', { type: 'mo_text' }).toInbound('sms')).toThrow(ValidationError);
  });

  it('gives what the kit takes', async () => {
    verifies('WHK-01');
    const { kit } = makeKit();
    kit.registerChannel(new SMSChannel('sms'));
    const { event } = await kit.processInbound(extractSmsMeta('twilio', twilio.payloads.mms).toInbound('sms'));
    expect(event?.source).toMatchObject({ channelId: 'sms', channelType: 'mms' });
    expect(await kit.processDeliveryStatus(extractSmsMeta('twilio', twilio.payloads.status).toStatus())).toBeNull();
    await kit.close();
  });

  it('never stumbles over what a stranger sends', () => {
    verifies('PV-06');
    const odd = fc.oneof(fc.jsonValue(), fc.constant('x'.repeat(100_000)));
    const samples = Object.entries(PARSERS).flatMap(([vendor, [, payloads]]) =>
      Object.values(payloads).map((payload) => [vendor, payload as object] as const),
    );
    const names = fc.constantFrom(
      'From',
      'NumMedia',
      'MediaUrl0',
      'data',
      'body',
      'media',
      'type',
      'statuses',
      'status',
      'attachment',
      'source_number',
      'from',
    );
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.dictionary(names, odd), ([vendor, payload], changes) => {
        const meta = extractSmsMeta(vendor, { ...payload, ...changes });
        if (meta.isInbound && meta.sender !== '') expect(meta.toInbound('sms').senderId).toMatch(/./);
        if (meta.isStatus && meta.externalId !== undefined) expect(meta.toStatus().messageId).toMatch(/./);
      }),
      { numRuns: RUNS },
    );
  });
});
