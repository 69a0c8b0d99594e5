/** Model providers: what goes wrong, and what ends early. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { ProviderError } from '../../core/errors.js';
import type { AIStreamItem } from '../../core/models/ai.js';
import { contextOf, failure, streamed, WAYS, type ProviderSetup, type ProviderTest } from './provider-case.js';
import { until } from './settling.js';

const LONG = 'This is an answer that is long enough to come in very many pieces, one after the other, until it ends.';

/** The vendor's words and the key are nobody's business; the codes are what the kit goes by (AIP-10). */
function checkError(error: Error, { key }: ProviderSetup, expected: { code: string; retryable: boolean; statusCode?: number }): ProviderError {
  assert.ok(error instanceof ProviderError, `a ProviderError, not ${error.name}: ${error.message}`);
  assert.deepEqual({ code: error.code, retryable: error.retryable }, { code: expected.code, retryable: expected.retryable }, error.message);
  if (expected.statusCode !== undefined) assert.equal(error.statusCode, expected.statusCode);
  assert.ok(!error.message.includes('prose of the vendor'), `the message has no word of the vendor's: ${error.message}`);
  assert.ok(!inspect(error, { depth: 12 }).includes(key), 'the key shows nowhere in the error');
  return error;
}

function statusTest(status: number, code: string, retryable: boolean): ProviderTest {
  return {
    name: `knows ${status} as ${code}, ${retryable ? 'worth another try' : 'for good'}`,
    rules: ['AI-09', 'PV-12', 'AIP-10'],
    needs: 'status_errors',
    test: async (setup) => {
      const { provider, reply, requests } = setup;
      for (const { ask } of WAYS) {
        reply({ failure: { status, message: 'prose of the vendor' } });
        checkError(await failure(() => ask(provider, contextOf('Hello'))), setup, { code, retryable, statusCode: status });
      }
      assert.equal(requests().length, 2, 'the provider itself asks once');
    },
  };
}

export const failureTests: readonly ProviderTest[] = [
  statusTest(400, 'invalid_request', false),
  statusTest(403, 'auth_error', false),
  statusTest(429, 'rate_limit', true),
  statusTest(500, 'http_500', true),
  statusTest(503, 'http_503', true),
  {
    name: 'says how long the vendor asks to be left alone',
    rules: ['PV-12'],
    needs: 'status_errors',
    test: async (setup) => {
      for (const { way, ask } of WAYS) {
        setup.reply({ failure: { status: 429, retryAfterSeconds: 7 } });
        const error = checkError(await failure(() => ask(setup.provider, contextOf('Hello'))), setup, { code: 'rate_limit', retryable: true });
        assert.equal(error.retryAfterSeconds, 7, way);
      }
    },
  },
  {
    name: 'knows a wrong key',
    rules: ['PV-12'],
    needs: 'key_check',
    options: { hasWrongKey: true },
    test: async (setup) => {
      for (const { way, ask } of WAYS) {
        const error = checkError(await failure(() => ask(setup.provider, contextOf('Hello'))), setup, { code: 'auth_error', retryable: false });
        // One vendor says it with 400.
        assert.ok([400, 401, 403].includes(error.statusCode ?? 0), `${way}: ${String(error.statusCode)}`);
      }
    },
  },
  {
    name: 'takes a key for one call, and keeps it out of what it sends',
    rules: ['AIP-09'],
    needs: 'key_per_call',
    options: { hasWrongKey: true },
    test: async ({ provider, reply, requests }) => {
      for (const { way, ask } of WAYS) {
        reply('let in');
        const answer = await ask(provider, contextOf('Hello', { metadata: { api_key: 'test-key' } }));
        assert.equal(answer.content, 'let in', way);
        assert.ok(!requests().at(-1)?.text.includes('test-key'), 'it goes by the header alone');
      }
    },
  },
  {
    name: 'knows a model that does not exist',
    rules: ['PV-12'],
    needs: 'model_check',
    options: { hasUnknownModel: true },
    test: async (setup) => {
      for (const { ask } of WAYS)
        checkError(await failure(() => ask(setup.provider, contextOf('Hello'))), setup, { code: 'model_not_found', retryable: false });
    },
  },
  {
    name: 'knows a vendor that cannot be reached',
    rules: ['PV-12'],
    options: { isUnreachable: true },
    test: async (setup) => {
      for (const { ask } of WAYS)
        checkError(await failure(() => ask(setup.provider, contextOf('Hello'))), setup, { code: 'network_error', retryable: true });
    },
  },
  {
    name: 'waits no longer than it was told for an answer to begin',
    rules: ['PV-02'],
    options: { timeoutSeconds: 0.2 },
    test: async (setup) => {
      for (const { ask } of WAYS) {
        setup.reply({ text: 'too late', hold: new Promise(() => undefined) });
        checkError(await failure(() => ask(setup.provider, contextOf('Hello'))), setup, { code: 'timeout', retryable: true });
      }
    },
  },
  {
    name: 'knows a conversation that does not fit into the model',
    rules: ['AIP-06'],
    needs: 'status_errors',
    test: async (setup) => {
      for (const { ask } of WAYS)
        checkError(await failure(() => ask(setup.provider, contextOf('word '.repeat(200_000)))), setup, {
          code: 'context_overflow',
          retryable: false,
        });
    },
  },
  {
    name: 'is an error when the stream breaks off, after what was said',
    rules: ['AIP-03', 'STR-05'],
    test: async (setup) => {
      for (const pacing of [{ cutAfter: 6 }, { endAfter: 6 }] as const) {
        if (setup.lacks?.includes('cutAfter' in pacing ? 'cut' : 'end_mark') === true) continue;
        setup.reply({ text: LONG, ...pacing });
        const items: AIStreamItem[] = [];
        const error = await failure(async () => {
          for await (const item of setup.provider.generateStream?.(contextOf('Hello')) ?? []) items.push(item);
        });
        checkError(error, setup, { code: 'stream_interrupted', retryable: true });
        const text = items.map((item) => (item.type === 'text_delta' ? item.text : '')).join('');
        assert.ok(text.length > 0 && LONG.startsWith(text) && text.length < LONG.length, `what was said before stays: '${text}'`);
        assert.ok(!items.some(({ type }) => type === 'done'), 'there is no done');
      }
    },
  },
  {
    name: 'is an error when the vendor reports one in mid-stream',
    rules: ['AIP-03'],
    needs: 'stream_failure',
    test: async (setup) => {
      setup.reply({ text: LONG, failAfter: { events: 6, failure: { status: 529, message: 'prose of the vendor' } } });
      const error = await failure(() => streamed(setup.provider, contextOf('Hello')));
      assert.ok(error instanceof ProviderError && error.retryable, `a retryable ProviderError: ${error.message}`);
      assert.ok(!error.message.includes('prose of the vendor'));
    },
  },
  {
    name: 'stops asking when it is aborted before the answer begins',
    rules: ['TURN-02', 'PV-02'],
    test: async ({ provider, reply, requests }) => {
      for (const { way, ask } of WAYS) {
        const controller = new AbortController();
        const before = requests().length;
        reply({ text: 'never', hold: new Promise(() => undefined) });
        const asking = failure(() => ask(provider, contextOf('Hello'), { signal: controller.signal }));
        await until(() => requests().length > before, 'the request arrives');
        controller.abort();
        await asking;
        await until(() => requests().at(-1)?.wasAborted === true, `${way}: the abort reaches the wire`);
      }
      const late = new AbortController();
      late.abort();
      const before = requests().length;
      for (const { ask } of WAYS) await failure(() => ask(provider, contextOf('Hello'), { signal: late.signal }));
      assert.equal(requests().length, before, 'nothing is asked when it is aborted already');
    },
  },
  {
    name: 'stops reading when it is aborted in mid-stream, or nobody reads on',
    rules: ['TURN-02', 'STR-07'],
    test: async ({ provider, reply, requests }) => {
      for (const leave of ['abort', 'return'] as const) {
        const controller = new AbortController();
        reply({ text: LONG, pieceChars: 4, pause: { after: 8, until: new Promise(() => undefined) } });
        const reading = (async () => {
          for await (const item of provider.generateStream?.(contextOf('Hello'), { signal: controller.signal }) ?? []) {
            if (item.type !== 'text_delta') continue;
            if (leave === 'return') return;
            controller.abort();
          }
        })();
        if (leave === 'return') await reading;
        else await failure(() => reading);
        await until(() => requests().at(-1)?.wasAborted === true, `${leave}: the vendor is told`);
      }
    },
  },
];
