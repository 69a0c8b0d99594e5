/** RCS over Twilio: templates for what can be tapped, what a tap brings back, and what a phone without RCS gets. */
import { describe, expect, it } from 'vitest';
import { RCSChannel, type EventContent, type RichContent } from '../../src/index.js';
import { parseTwilioRcsWebhook, TwilioRCSProvider } from '../../src/providers/twilio/index.js';
import { verifies } from '../requirements.js';
import { until } from '../support/webhook-port.js';
import { endToEnd, withScene, type Scene } from './end-to-end.js';
import { openTwilioRcs } from './open-twilio-rcs.js';

type Vendor = Awaited<ReturnType<typeof openTwilioRcs>>['vendor'];
const scene = (run: (scene: Scene & { vendor: Vendor }) => Promise<void>, options: { readonly fallback?: boolean } = {}): Promise<void> => {
  let vendor: Vendor | undefined;
  return withScene(
    async (given) => {
      const setup = await openTwilioRcs(given);
      vendor = setup.vendor;
      return setup;
    },
    (provider) => new RCSChannel('sms', { provider, ...options }),
    async (inner) => {
      if (vendor === undefined) throw new Error('not opened');
      await run({ ...inner, vendor });
    },
  );
};

endToEnd(openTwilioRcs, (provider) => new RCSChannel('sms', { provider }));

const BUTTONS: RichContent = {
  type: 'rich',
  body: 'Shall we send it again?',
  buttons: [
    { id: 'yes', label: 'Yes, please', kind: 'reply', value: 'resend' },
    { id: 'site', label: 'See the order', kind: 'url', url: 'https://shop.example/o/1' },
    { id: 'call', label: 'Call us', kind: 'call', phone: '+15550100' },
  ],
  quickReplies: ['Later'],
};
const LAMP = {
  title: 'Lamp',
  subtitle: '40 €',
  imageUrl: 'https://files.example/lamp.png',
  buttons: [{ id: 'lamp', label: 'Take it', kind: 'reply' as const }],
};

/** What Twilio is asked for this content: the template that is made, if any, and the message. */
async function asked(content: EventContent): Promise<{ template: unknown; message: Record<string, string> }> {
  let found: { template: unknown; message: Record<string, string> } | undefined;
  await scene(async ({ write, say, setup, vendor }) => {
    const roomId = await write('Hello');
    await say(roomId, content);
    await until(() => setup.arrived().length === 1, 'it arrives');
    const template = vendor.requests.find(({ path }) => path === '/v1/Content')?.body as { types: unknown } | undefined;
    found = { template: template?.types, message: Object.fromEntries(new URLSearchParams(vendor.requests.at(-1)?.text)) };
  });
  if (found === undefined) throw new Error('nothing was asked');
  return found;
}

describe('content in RCS', () => {
  it('text and files need no template', async () => {
    verifies('PV-04');
    expect((await asked({ type: 'text', body: 'Hello' })).template).toBeUndefined();
    const file = await asked({ type: 'media', url: 'https://files.example/a.pdf', mimeType: 'application/pdf', caption: 'The report' });
    expect(file).toMatchObject({ template: undefined, message: { Body: 'The report', MediaUrl: 'https://files.example/a.pdf' } });
  });

  it('buttons and quick replies are a card’s actions, beside the words for a phone without RCS', async () => {
    verifies('PV-04');
    const { template, message } = await asked(BUTTONS);
    expect(template).toEqual({
      'twilio/card': {
        body: 'Shall we send it again?',
        actions: [
          { type: 'QUICK_REPLY', title: 'Yes, please', id: '["yes","resend"]' },
          { type: 'URL', title: 'See the order', url: 'https://shop.example/o/1' },
          { type: 'PHONE_NUMBER', title: 'Call us', phone: '+15550100' },
          { type: 'QUICK_REPLY', title: 'Later', id: '["Later"]' },
        ],
      },
      'twilio/text': {
        body: 'Shall we send it again?\n1. Yes, please\n2. See the order: https://shop.example/o/1\n3. Call us: +15550100\n4. Later',
      },
    });
    expect(message).toMatchObject({ To: '+15550123', ContentSid: expect.stringMatching(/^HX/) as string });
    expect(message).not.toHaveProperty('Body');
  });

  it('one card is a card, several are a carousel where each has a picture and a button, else words', async () => {
    verifies('PV-04');
    expect((await asked({ type: 'rich', body: 'We have this:', cards: [LAMP] })).template).toMatchObject({
      'twilio/card': { title: 'Lamp', body: 'We have this:\n40 €', media: ['https://files.example/lamp.png'], actions: [{ title: 'Take it' }] },
    });
    expect((await asked({ type: 'rich', body: 'We have these:', cards: [LAMP, { ...LAMP, title: 'Another' }] })).template).toMatchObject({
      'twilio/carousel': {
        cards: [
          { title: 'Lamp', body: 'We have these:\n40 €' },
          { title: 'Another', body: '40 €' },
        ],
      },
    });
    const { template, message } = await asked({ type: 'rich', body: 'We have these:', cards: [LAMP, { title: 'Chair', body: 'Oak' }] });
    expect(template).toBeUndefined();
    expect(message['Body']?.split('\n')).toEqual(['We have these:', 'Lamp', '40 €', '1. Take it', 'Chair', 'Oak']);
  });

  it('words that Twilio would take for a variable go as words', async () => {
    verifies('PV-04');
    const { template, message } = await asked({ ...BUTTONS, body: 'Dear {{1}}' });
    expect(template).toBeUndefined();
    expect(message['Body']).toContain('Dear {{1}}\n1. Yes, please');
  });

  it('the same content makes one template', async () => {
    verifies('PV-15');
    await scene(async ({ write, say, setup, vendor }) => {
      const roomId = await write('Hello');
      for (const content of [BUTTONS, BUTTONS, { ...BUTTONS, body: 'Another question?' }]) await say(roomId, content);
      await until(() => setup.arrived().length === 3, 'all arrive');
      expect(vendor.requests.filter(({ path }) => path === '/v1/Content')).toHaveLength(2);
    });
  });

  it('a template that cannot be made is tried again as any message', async () => {
    verifies('PV-12');
    await scene(async ({ setup, vendor }) => {
      const request = { to: setup.to, content: BUTTONS, defaults: {}, event: {} as never, binding: {} as never };
      const more = { idempotencyKey: 'k', attempt: 1, signal: new AbortController().signal };
      for (const [fault, code, retryable] of [
        [{ status: 500 }, 'twilio_20500', true],
        [{ status: 429 }, 'rate_limit', true],
        [{ status: 400, body: { code: 20001, message: 'Bad request' } }, 'twilio_20001', false],
      ] as const) {
        vendor.fail({ ...fault, path: '/v1/Content' });
        expect(await setup.provider.send({ ...request, ...more })).toMatchObject({ success: false, error: code, retryable });
      }
      expect(setup.arrived()).toEqual([]);
      expect(await setup.provider.send({ ...request, ...more })).toMatchObject({ success: true });
    });
  });

  it('a template of one’s own goes by its SID with its variables', async () => {
    verifies('PV-04');
    await scene(async ({ setup, vendor }) => {
      const request = { to: setup.to, defaults: {}, event: {} as never, binding: {} as never, idempotencyKey: 'k', attempt: 1 };
      const content = { type: 'template' as const, templateId: `HX${'b'.repeat(32)}`, parameters: { '1': 'Ada' }, body: 'Dear Ada' };
      await setup.provider.send({ ...request, content, signal: new AbortController().signal });
      expect(Object.fromEntries(new URLSearchParams(vendor.requests[0]?.text))).toMatchObject({
        ContentSid: content.templateId,
        ContentVariables: '{"1":"Ada"}',
      });
    });
  });
});

describe('what comes back', () => {
  it('is a tap with the choice’s id and value, from a number without rcs:', async () => {
    verifies('PV-08');
    await scene(async ({ write, say, setup, kit, vendor }) => {
      const roomId = await write('Hello');
      await say(roomId, BUTTONS);
      await until(() => setup.arrived().length === 1, 'it arrives');
      for (const label of ['Yes, please', 'Later']) await vendor.phone(setup.to).tap(label);
      const said = (await kit.getTimeline(roomId)).filter(({ type, source }) => type === 'message' && source.channelId === 'sms');
      expect(said.map(({ content, metadata }) => [content.type === 'text' ? content.body : '', metadata['action']])).toEqual([
        ['Hello', undefined],
        ['Yes, please', { id: 'yes', value: 'resend', kind: 'reply' }],
        ['Later', { id: 'Later', kind: 'reply' }],
      ]);
      expect(said[0]?.metadata).toMatchObject({ channel: 'rcs', to: 'brand_agent' });
    });
  });

  it('is that it was delivered or read', () => {
    verifies('PV-11');
    const form = { MessageSid: 'SM1', From: 'rcs:brand_agent', To: 'rcs:+15550123', MessageStatus: 'read' };
    expect(parseTwilioRcsWebhook(form)).toMatchObject({
      type: 'status',
      status: { provider: 'twilio_rcs', messageId: 'SM1', status: 'read', recipient: '+15550123', raw: form },
    });
    for (const odd of [null, [], 'x', { From: 7 }, { MessageSid: 'SM1', From: '', Body: 'x' }])
      expect(parseTwilioRcsWebhook(odd).type).toBe('ignored');
  });
});

describe('a phone without RCS', () => {
  it('gets the same as SMS, its choices as lines', async () => {
    verifies('PV-04');
    await scene(async ({ write, say, setup, vendor, rows }) => {
      const roomId = await write('Hello');
      vendor.withoutRcs(setup.to);
      await say(roomId, BUTTONS);
      await until(async () => (await rows(roomId))[0]?.state === 'delivered', 'it is delivered');
      expect(setup.arrived()[0]?.text).toContain('\n1. Yes, please\n');
      expect(vendor.phone(setup.to).messages[0]?.from).toBe('+15550100');
    });
  });

  it('gets nothing when the channel does not fall back, and the delivery says so', async () => {
    verifies('PV-11', 'PV-03');
    await scene(
      async ({ write, say, setup, vendor, rows }) => {
        const roomId = await write('Hello');
        await say(roomId, 'By RCS');
        await until(() => setup.arrived().length === 1, 'it arrives');
        expect(new URLSearchParams(vendor.requests.at(-1)?.text).get('To')).toBe('rcs:+15550123');
        vendor.withoutRcs(setup.to);
        await say(roomId, 'Only by RCS');
        await until(async () => (await rows(roomId)).at(-1)?.state === 'failed', 'it has failed');
        expect((await rows(roomId)).at(-1)?.lastError?.code).toBe('twilio_63106');
      },
      { fallback: false },
    );
  });
});

it('says what is wrong with its options', () => {
  verifies('PV-01');
  const good = { accountSid: `AC${'1'.repeat(32)}`, authToken: 'x', messagingServiceSid: `MG${'a'.repeat(32)}` };
  for (const [config, words] of [
    [{ messagingServiceSid: '' }, /messagingServiceSid/],
    [{ contentBaseUrl: 'ftp://x' }, /baseUrl/],
    [{ fromNumber: '+1' }, /fromNumber/],
  ] as const)
    expect(() => new TwilioRCSProvider({ ...good, ...config })).toThrow(words);
});
