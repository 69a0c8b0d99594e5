/** RCS over Telnyx: what each content becomes, what a tap brings back, and what a phone without RCS gets. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RCSChannel, type EventContent, type RichContent } from '../../src/index.js';
import type { TelnyxRCSProvider } from '../../src/providers/telnyx/index.js';
import { parseTelnyxRcsWebhook } from '../../src/providers/telnyx/index.js';
import { verifies } from '../requirements.js';
import { until } from '../support/webhook-port.js';
import { endToEnd, withScene, type Scene } from './end-to-end.js';
import { openTelnyxRcs } from './open-telnyx-rcs.js';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 1) * 200;
type Vendor = Awaited<ReturnType<typeof openTelnyxRcs>>['vendor'];
const scene = (run: (scene: Scene & { vendor: Vendor }) => Promise<void>, options: { readonly fallback?: boolean } = {}): Promise<void> => {
  let vendor: Vendor | undefined;
  return withScene(
    async (given) => {
      const setup = await openTelnyxRcs(given);
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

endToEnd(openTelnyxRcs, (provider) => new RCSChannel('sms', { provider }));

const BUTTONS: RichContent = {
  type: 'rich',
  body: 'Shall we send it again?',
  buttons: [
    { id: 'yes', label: 'Yes, please', kind: 'reply', value: 'resend' },
    { id: 'site', label: 'See the order', kind: 'url', url: 'https://shop.example/o/1' },
    { id: 'call', label: 'Call us', kind: 'call', phone: '+15550100' },
    { id: 'where', label: 'Share my place', kind: 'location_request' },
  ],
  quickReplies: ['Later', { id: 'never', label: 'Never mind', value: 'drop' }],
};

describe('content in RCS', () => {
  const bodyOf = async (content: EventContent): Promise<unknown> => {
    let body: unknown;
    await scene(async ({ write, say, setup, vendor }) => {
      const roomId = await write('Hello');
      const before = setup.arrived().length;
      await say(roomId, content);
      await until(() => setup.arrived().length > before, 'it arrives');
      body = vendor.requests.at(-1)?.body;
    });
    return (body as { agent_message: { content_message: unknown } }).agent_message.content_message;
  };
  const data = (...list: string[]): string => Buffer.from(JSON.stringify(list)).toString('base64');

  it('buttons and quick replies are suggestions', async () => {
    verifies('PV-04');
    expect(await bodyOf(BUTTONS)).toEqual({
      text: 'Shall we send it again?',
      suggestions: [
        { reply: { text: 'Yes, please', postback_data: data('yes', 'resend') } },
        {
          action: {
            text: 'See the order',
            postback_data: data('site'),
            open_url_action: { url: 'https://shop.example/o/1', application: 'BROWSER', webview_view_mode: 'FULL' },
          },
        },
        { action: { text: 'Call us', postback_data: data('call'), dial_action: { phone_number: '+15550100' } } },
        { action: { text: 'Share my place', postback_data: data('where'), share_location_action: {} } },
        { reply: { text: 'Later', postback_data: data('Later') } },
        { reply: { text: 'Never mind', postback_data: data('never', 'drop') } },
      ],
    });
  });

  it('one card is a card, several are a carousel, and what stands before them is not lost', async () => {
    verifies('PV-04');
    const lamp = {
      title: 'Lamp',
      subtitle: '40 €',
      imageUrl: 'https://files.example/lamp.png',
      buttons: [{ id: 'lamp', label: 'Take it', kind: 'reply' as const }],
    };
    expect(await bodyOf({ type: 'rich', body: 'We have this:', cards: [lamp] })).toMatchObject({
      rich_card: {
        standalone_card: {
          card_content: {
            title: 'Lamp',
            description: 'We have this:\n40 €',
            media: { content_info: { file_url: 'https://files.example/lamp.png' } },
            suggestions: [{ reply: { text: 'Take it', postback_data: data('lamp') } }],
          },
        },
      },
    });
    expect(
      await bodyOf({ type: 'rich', body: 'We have these:', cards: [lamp, { title: 'Chair', body: 'Oak' }], quickReplies: ['More'] }),
    ).toMatchObject({
      rich_card: {
        carousel_card: {
          card_contents: [
            { title: 'Lamp', description: 'We have these:\n40 €' },
            { title: 'Chair', description: 'Oak' },
          ],
        },
      },
      suggestions: [{ reply: { text: 'More' } }],
    });
  });

  it('more than fits is read in place of tapped', async () => {
    verifies('PV-04');
    const cards = Array.from({ length: 11 }, (_, n) => ({ title: `Card ${n}` }));
    const many = (await bodyOf({ type: 'rich', body: 'Eleven:', cards })) as { text: string };
    expect(many.text.split('\n')).toEqual(['Eleven:', ...cards.map(({ title }) => title)]);
    const replies = Array.from({ length: 13 }, (_, n) => `Reply ${n}`);
    expect(await bodyOf({ type: 'rich', body: 'Thirteen:', quickReplies: replies })).toMatchObject({
      text: 'Thirteen:\nReply 11\nReply 12',
      suggestions: replies.slice(0, 11).map((text) => ({ reply: { text } })),
    });
    const long = (await bodyOf({ type: 'rich', body: 'x', buttons: [{ id: 'a', label: 'A label of more than 25 letters', kind: 'reply' }] })) as {
      suggestions: { reply: { text: string } }[];
    };
    expect(long.suggestions[0]?.reply.text.length).toBeLessThanOrEqual(25);
  });

  it('a picture alone is a file, with words a card, several a carousel; other files are told by their address', async () => {
    verifies('PV-04');
    const picture = (n: number) => ({ type: 'media' as const, url: `https://files.example/${n}.png`, mimeType: 'image/png' });
    const report = { type: 'media' as const, url: 'https://files.example/r.pdf', mimeType: 'application/pdf', caption: 'The report' };
    expect(await bodyOf(picture(1))).toEqual({ content_info: { file_url: 'https://files.example/1.png' } });
    expect(await bodyOf({ ...picture(1), caption: 'Yours' })).toMatchObject({
      rich_card: { standalone_card: { card_content: { description: 'Yours' } } },
    });
    expect(await bodyOf({ type: 'composite', parts: [{ type: 'text', body: 'Both' }, picture(1), picture(2)] })).toMatchObject({
      rich_card: { carousel_card: { card_contents: [{ description: 'Both' }, {}] } },
    });
    expect(await bodyOf(report)).toEqual({ text: 'The report\nhttps://files.example/r.pdf' });
  });
});

describe('what comes back', () => {
  it('is a tap with the choice’s id and value, alike from every vendor', async () => {
    verifies('PV-08');
    await scene(async ({ write, say, setup, kit, vendor }) => {
      const roomId = await write('Hello');
      await say(roomId, BUTTONS);
      await until(() => setup.arrived().length === 1, 'it arrives');
      const phone = vendor.phone(setup.to);
      for (const label of ['Yes, please', 'Later']) await phone.tap(label);
      const said = (await kit.getTimeline(roomId)).filter(({ type, source }) => type === 'message' && source.direction === 'inbound').slice(-2);
      expect(said.map(({ content, metadata }) => [content.type === 'text' ? content.body : '', metadata['action']])).toEqual([
        ['Yes, please', { id: 'yes', value: 'resend', kind: 'reply' }],
        ['Later', { id: 'Later', kind: 'reply' }],
      ]);
      await expect(phone.tap('No such thing')).rejects.toThrow(/There is: Yes, please/);
    });
  });

  it('is a file, or a place', async () => {
    verifies('PV-08');
    await scene(async ({ write, kit, setup, vendor }) => {
      const roomId = await write('Hello');
      const phone = vendor.phone(setup.to);
      await phone.sendSms('', { to: vendor.agentId, media: [{ url: 'https://files.example/a.jpg', mimeType: 'image/jpeg' }] });
      await phone.sendSms('', { to: vendor.agentId, location: { latitude: 48.85, longitude: 2.29 } });
      const contents = (await kit.getTimeline(roomId)).flatMap(({ type, content }) => (type === 'message' ? [content] : []));
      expect(contents.slice(1)).toEqual([
        { type: 'media', url: 'https://files.example/a.jpg', mimeType: 'image/jpeg', filename: 'file', sizeBytes: 1000 },
        { type: 'location', latitude: 48.85, longitude: 2.29 },
      ]);
    });
  });

  it('is that a message was read', async () => {
    verifies('PV-11', 'OUT-07');
    await scene(async ({ write, say, rows, vendor, setup }) => {
      const roomId = await write('Hello');
      await say(roomId, 'Hello yourself');
      await until(async () => (await rows(roomId))[0]?.state === 'delivered', 'it is delivered');
      await vendor.markRead(setup.to, (await rows(roomId))[0]?.providerMessageId ?? '');
      expect((await rows(roomId))[0]?.state).toBe('read');
    });
  });

  it('never makes it stumble, nor gives it a message without a sender', () => {
    verifies('PV-06');
    const body = fc.record(
      { text: fc.jsonValue(), suggestion_response: fc.jsonValue(), user_file: fc.jsonValue(), location: fc.jsonValue() },
      { requiredKeys: [] },
    );
    const event = fc.record({
      data: fc.record({
        event_type: fc.constantFrom('message.received', 'message.read', 'message.finalized'),
        payload: fc.record(
          {
            id: fc.oneof(fc.string(), fc.jsonValue()),
            direction: fc.constant('inbound'),
            from: fc.oneof(fc.constant({ phone_number: '+1' }), fc.jsonValue()),
            to: fc.jsonValue(),
            body: fc.oneof(body, fc.jsonValue()),
          },
          { requiredKeys: [] },
        ),
      }),
    });
    fc.assert(
      fc.property(fc.oneof(event, fc.jsonValue()), (payload) => {
        const meta = parseTelnyxRcsWebhook(payload);
        if (meta.type === 'message') expect(meta.message.senderId).toMatch(/./);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('a phone without RCS', () => {
  it('gets the same as SMS, its choices as lines, or files as MMS', async () => {
    verifies('PV-04');
    await scene(async ({ write, say, setup, vendor }) => {
      const roomId = await write('Hello');
      vendor.withoutRcs(setup.to);
      await say(roomId, BUTTONS);
      await until(() => setup.arrived().length === 1, 'the text arrives');
      expect(setup.arrived()[0]?.text.split('\n')).toEqual([
        'Shall we send it again?',
        '1. Yes, please',
        '2. See the order: https://shop.example/o/1',
        '3. Call us: +15550100',
        '4. Share my place',
        '5. Later',
        '6. Never mind',
      ]);
      await say(roomId, { type: 'media', url: 'https://files.example/a.png', mimeType: 'image/png', caption: 'Yours' });
      await until(() => setup.arrived().length === 2, 'the picture arrives');
      expect(setup.arrived()[1]).toEqual({ text: 'Yours', media: ['https://files.example/a.png'] });
    });
  });

  it('gets nothing when the channel does not fall back, and the delivery says so', async () => {
    verifies('PV-11');
    await scene(
      async ({ write, say, setup, vendor, rows }) => {
        const roomId = await write('Hello');
        vendor.withoutRcs(setup.to);
        await say(roomId, 'Only by RCS');
        await until(async () => (await rows(roomId))[0]?.state === 'failed', 'it has failed');
        expect((await rows(roomId))[0]?.lastError?.code).toBe('telnyx_40001');
        expect(vendor.requests.at(-1)?.body).not.toHaveProperty('sms_fallback');
      },
      { fallback: false },
    );
  });

  it('is known beforehand to whoever asks; who cannot be asked counts as without', async () => {
    verifies('PV-15');
    await scene(async ({ setup, vendor }) => {
      const provider = setup.provider as TelnyxRCSProvider;
      expect(await provider.hasRcs('+15550123')).toBe(true);
      vendor.withoutRcs('+15550124');
      expect(await provider.hasRcs('+15550124')).toBe(false);
      vendor.fail({ status: 500 });
      expect(await provider.hasRcs('+15550123')).toBe(false);
    });
  });
});

it('somebody who types is shown, and nothing of it stays', async () => {
  verifies('PV-15');
  await scene(async ({ setup, vendor }) => {
    await setup.provider.sendEphemeral?.({ type: 'typing_start', to: setup.to, defaults: {}, binding: {} as never });
    await setup.provider.sendEphemeral?.({ type: 'typing_stop', to: setup.to, defaults: {}, binding: {} as never });
    expect(vendor.requests.map(({ body }) => (body as { agent_message?: unknown }).agent_message)).toEqual([{ event: { event_type: 'IS_TYPING' } }]);
    expect(setup.arrived()).toEqual([]);
  });
});

it('says which channel was used', async () => {
  verifies('PV-03');
  await scene(async ({ setup, vendor }) => {
    const request = { to: setup.to, content: { type: 'text' as const, body: 'x' }, defaults: {}, event: {} as never, binding: {} as never };
    const more = { idempotencyKey: 'k', attempt: 1, signal: new AbortController().signal };
    expect(await setup.provider.send({ ...request, ...more })).toMatchObject({ success: true, metadata: { channelUsed: 'rcs' } });
    vendor.fail({ status: 200, body: { data: { id: '1', type: 'SMS' } } });
    expect(await setup.provider.send({ ...request, ...more })).toMatchObject({ success: true, metadata: { channelUsed: 'sms', fallback: true } });
  });
});
