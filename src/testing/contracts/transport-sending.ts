/** Sending: what is claimed arrives, what is refused is told apart, nothing is left behind (PV-02…05, PV-12). */
import assert from 'node:assert/strict';
import type { EventContent } from '../../core/models/content.js';
import { delivered, eventually, failed, printsNoSecret, requestOf, type TransportTest } from './transport-case.js';

/** One of each kind, with the words or the address that has to arrive. */
export const SAMPLES: Readonly<Record<string, { readonly content: EventContent; readonly arrives: string }>> = {
  text: {
    content: { type: 'text', body: 'Ünïcode 👩‍👩‍👧 & <b>no markup</b>\nsecond line + 100 %' },
    arrives: 'Ünïcode 👩‍👩‍👧 & <b>no markup</b>\nsecond line + 100 %',
  },
  rich: {
    content: {
      type: 'rich',
      body: 'Shall we send it again?',
      plainText: 'Shall we send it again?',
      buttons: [
        { id: 'yes', label: 'Yes, please', kind: 'reply', value: 'resend' },
        { id: 'no', label: 'No', kind: 'reply' },
      ],
    },
    arrives: 'Shall we send it again?',
  },
  media: {
    content: { type: 'media', url: 'https://files.example/receipt.png', mimeType: 'image/png', filename: 'receipt.png', caption: 'Your receipt' },
    arrives: 'Your receipt',
  },
  audio: { content: { type: 'audio', url: 'https://files.example/note.ogg', mimeType: 'audio/ogg', durationSeconds: 3 }, arrives: 'note.ogg' },
  video: { content: { type: 'video', url: 'https://files.example/film.mp4', mimeType: 'video/mp4' }, arrives: 'film.mp4' },
  location: { content: { type: 'location', latitude: 48.8584, longitude: 2.2945, label: 'Eiffel Tower' }, arrives: '48.8584' },
  template: {
    content: { type: 'template', templateId: 'order_update', language: 'en', parameters: { '1': 'A-7' }, body: 'Order A-7 is on its way.' },
    arrives: 'A-7',
  },
};

export const sendingTests: readonly TransportTest[] = [
  {
    name: 'sends a text as it stands, and gives the id the vendor gave it',
    rules: ['PV-03', 'PV-04'],
    test: async (setup) => {
      const { content, arrives } = SAMPLES['text'] ?? assert.fail();
      const result = await delivered(setup, requestOf(setup, content));
      await eventually(() => setup.arrived().length > 0, 'the text arrives');
      assert.equal(setup.arrived()[0]?.text, arrives);
      if (setup.lacks?.includes('message_ids') !== true) assert.equal(typeof result.providerMessageId, 'string');
    },
  },
  {
    name: 'sends each kind of content that its channel claims',
    rules: ['PV-04'],
    test: async (setup) => {
      for (const kind of setup.mediaTypes) {
        const sample = SAMPLES[kind];
        if (sample === undefined) continue;
        const before = setup.arrived().length;
        await delivered(setup, requestOf(setup, sample.content));
        await eventually(() => setup.arrived().length > before, `${kind} arrives`);
        const arrived = setup.arrived().slice(before);
        const all = arrived.flatMap(({ text, media }) => [text, ...media]).join('\n');
        assert.ok(all.includes(sample.arrives), `${kind} arrives with '${sample.arrives}', not as ${JSON.stringify(arrived)}`);
      }
    },
  },
  {
    name: 'gives every message an id of its own',
    rules: ['PV-03'],
    needs: 'message_ids',
    test: async (setup) => {
      const ids = [];
      for (const text of ['one', 'two', 'three']) ids.push((await delivered(setup, requestOf(setup, text))).providerMessageId);
      assert.equal(new Set(ids).size, 3);
    },
  },
  {
    name: 'asks nobody when there is nothing to send',
    rules: ['PV-04'],
    test: async (setup) => {
      const result = await failed(setup, requestOf(setup, { type: 'text', body: '' }));
      assert.equal(result.error, 'empty_message');
      assert.equal(result.retryable, false);
      assert.equal(setup.requests().length, 0);
    },
  },
  {
    name: 'tells a wrong credential from everything that may pass',
    rules: ['PV-12'],
    needs: 'key_check',
    options: { hasWrongKey: true },
    test: async (setup) => {
      const result = await failed(setup, requestOf(setup, 'Hello'));
      assert.equal(result.error, 'auth_error');
      assert.equal(result.retryable, false);
      printsNoSecret(setup, result, setup.provider);
    },
  },
  {
    name: 'knows every refusal the vendor documents, and whether it may pass',
    rules: ['PV-12'],
    test: async (setup) => {
      for (const { name, fault, code, retryable } of setup.errors) {
        setup.fail(fault);
        const result = await failed(setup, requestOf(setup, 'Hello'));
        assert.equal(result.error, code, `${name}: ${JSON.stringify(result)}`);
        assert.equal(result.retryable, retryable, `${name}: whether it may pass`);
        printsNoSecret(setup, result);
      }
    },
  },
  {
    name: 'waits as long as the vendor asks, in seconds or until a date',
    rules: ['PV-12', 'F22'],
    needs: 'retry_after',
    test: async (setup) => {
      setup.fail({ status: 429, headers: { 'retry-after': '17' } });
      const inSeconds = await failed(setup, requestOf(setup, 'Hello'));
      assert.equal(inSeconds.error, 'rate_limit');
      assert.equal(inSeconds.retryable, true);
      assert.equal(inSeconds.retryAfterSeconds, 17);
      setup.fail({ status: 503, headers: { date: 'Wed, 25 Nov 2026 12:00:00 GMT', 'retry-after': 'Wed, 25 Nov 2026 12:01:30 GMT' } });
      const untilDate = await failed(setup, requestOf(setup, 'Hello'));
      assert.equal(untilDate.retryable, true);
      assert.equal(untilDate.retryAfterSeconds, 90);
    },
  },
  {
    name: 'takes a vendor that stumbles for one that may get up again',
    rules: ['PV-12'],
    needs: 'status_faults',
    test: async (setup) => {
      for (const status of [500, 502, 503, 504]) {
        setup.fail({ status, body: '<html>Bad gateway</html>' });
        const result = await failed(setup, requestOf(setup, 'Hello'));
        assert.equal(result.retryable, true, `status ${status}`);
      }
    },
  },
  {
    name: 'says that a vendor cannot be reached',
    rules: ['PV-12'],
    options: { isUnreachable: true },
    test: async (setup) => {
      const result = await failed(setup, requestOf(setup, 'Hello'));
      assert.equal(result.error, setup.unreachableCode ?? 'network_error');
      assert.equal(result.retryable, true);
      printsNoSecret(setup, result);
    },
  },
  {
    name: 'gives up a vendor that does not answer in time, on the wire as well',
    rules: ['PV-02', 'PV-12'],
    options: { timeoutSeconds: 0.2 },
    test: async (setup) => {
      setup.fail({ hangs: true });
      const result = await failed(setup, requestOf(setup, 'Hello'));
      assert.equal(result.error, 'timeout');
      assert.equal(result.retryable, true);
      await eventually(() => setup.requests().some(({ wasAborted }) => wasAborted), 'the vendor sees the connection end');
    },
  },
  {
    name: 'aborts on the wire when the caller does not want it any more',
    rules: ['PV-02'],
    test: async (setup) => {
      setup.fail({ hangs: true });
      const controller = new AbortController();
      const sending = Promise.resolve(setup.provider.send(requestOf(setup, 'Hello', { signal: controller.signal })));
      sending.catch(() => undefined);
      await eventually(() => setup.requests().length > 0, 'the request reaches the vendor');
      controller.abort();
      assert.equal((await sending).success, false);
      await eventually(() => setup.requests().some(({ wasAborted }) => wasAborted), 'the vendor sees the connection end');
    },
  },
  {
    name: 'reports a message whose answer was cut off as one that may have arrived',
    rules: ['PV-12'],
    test: async (setup) => {
      setup.fail({ cuts: true });
      const result = await failed(setup, requestOf(setup, 'Hello'));
      assert.equal(result.retryable, true);
      printsNoSecret(setup, result);
    },
  },
  {
    name: 'sends once what is repeated with the same key, where the vendor knows keys',
    rules: ['PV-15'],
    test: async (setup) => {
      if (setup.provider.supportsIdempotencyKey !== true) return;
      const request = requestOf(setup, 'Only once');
      const first = await delivered(setup, request);
      const second = await delivered(setup, { ...request, attempt: 2 });
      await eventually(() => setup.arrived().length > 0, 'it arrives');
      assert.equal(setup.arrived().length, 1);
      assert.equal(second.providerMessageId, first.providerMessageId);
    },
  },
  {
    name: 'prints no secret, however it is printed',
    rules: ['PV-01', 'PV-03'],
    test: async (setup) => {
      printsNoSecret(setup, setup.provider);
      printsNoSecret(setup, await delivered(setup, requestOf(setup, 'Hello')));
      for (const secret of setup.secrets) setup.fail({ status: 400, body: `You sent ${secret}` });
      if (setup.lacks?.includes('status_faults') !== true) printsNoSecret(setup, await failed(setup, requestOf(setup, 'Hello')));
    },
  },
  {
    name: 'can be closed twice',
    rules: ['PV-13'],
    test: async (setup) => {
      await setup.provider.close?.();
      await setup.provider.close?.();
    },
  },
];
