/**
 * An agent that is served as Pydantic AI serves one, on loopback: AG-UI 1.0 over HTTP and server-sent events.
 * @see https://docs.ag-ui.com/spec/1.0
 */
import type { ServerResponse } from 'node:http';
import { sendEvents, sendJson, type ServerEvent } from '../event-stream.js';
import type { RecordedRequest } from '../loopback.js';
import { ModelEmulator, type ModelEmulatorOptions } from '../model-emulator.js';
import { isFields } from '../problem.js';
import { isFailure } from '../script.js';
import { faultsOf } from './check-input.js';
import { askedOf, runFault } from './conversation.js';
import { errorEvent, eventsOf, failedRun, type RemoteTools } from './events.js';

/** What the emulator is started with. */
export interface AGUIEmulatorOptions extends ModelEmulatorOptions {
  /** Tools that the agent runs by itself: their results, by name. A call of any other is for the application. Default none. */
  readonly remoteTools?: Readonly<Record<string, string>>;
}

/**
 * The emulator. It wants its key as a bearer token, and takes a run at any path. A reply may bring events of its own:
 * {@link AGUIEmulator.sendNext}.
 * @example
 * await using vendor = await AGUIEmulator.start({ script: ['Hello!'] });
 * const provider = new PydanticAIProvider({ apiKey: 'test-key', url: vendor.url });
 */
export class AGUIEmulator extends ModelEmulator {
  readonly #remoteTools: RemoteTools;
  readonly #streams: (readonly unknown[])[] = [];

  private constructor(options: AGUIEmulatorOptions) {
    super(options);
    this.#remoteTools = options.remoteTools ?? {};
  }

  /** Starts one on a free port. */
  static async start(options: AGUIEmulatorOptions = {}): Promise<AGUIEmulator> {
    const emulator = new AGUIEmulator(options);
    await emulator.listen();
    return emulator;
  }

  /** The next run is answered with these events, as they are; those that are no object are sent as text. */
  sendNext(...events: readonly unknown[]): void {
    this.#streams.push(events);
  }

  protected async answer(request: RecordedRequest, response: ServerResponse): Promise<void> {
    const refusal = this.#refusal(request);
    if (refusal !== undefined || !isFields(request.body)) {
      await sendJson(response, refusal?.status ?? 422, refusal?.body ?? []);
      return;
    }
    const asked = askedOf(request.body, this.models[0] ?? 'test-model');
    const stream = this.#streams.shift();
    if (stream !== undefined) {
      await sendEvents(
        response,
        stream.map((data): ServerEvent => ({ data })),
      );
      return;
    }
    const fault = runFault(request.body, this.contextWindow);
    if (fault !== undefined) {
      await sendEvents(response, failedRun(asked, { status: 400, type: 'run_failed', message: fault }));
      return;
    }
    const reply = this.nextReply(asked);
    if (isFailure(reply)) {
      await reply.hold;
      const { status, message, retryAfterSeconds } = reply.failure;
      await sendJson(
        response,
        status,
        { detail: message ?? 'Error' },
        {},
        { ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }) },
      );
      return;
    }
    const { failAfter } = reply;
    await sendEvents(response, eventsOf(reply, asked, this.#remoteTools), reply, () => errorEvent(failAfter?.failure ?? { status: 500 }));
  }

  #refusal({ method, headers, body }: RecordedRequest): { readonly status: number; readonly body: unknown } | undefined {
    if (method !== 'POST') return { status: 405, body: { detail: 'Method Not Allowed' } };
    if (headers.authorization === undefined) return { status: 401, body: { detail: 'Not authenticated' } };
    if (headers.authorization !== `Bearer ${this.apiKey}`) return { status: 401, body: { detail: 'Invalid authentication credentials' } };
    if (!/^application\/json\b/.test(headers['content-type'] ?? '')) return { status: 415, body: { detail: 'Unsupported Media Type' } };
    if (!/text\/event-stream|\*\/\*/.test(headers.accept ?? '')) return { status: 406, body: { detail: 'Not Acceptable' } };
    const faults = faultsOf(body);
    return faults.length === 0 ? undefined : { status: 422, body: faults };
  }
}
