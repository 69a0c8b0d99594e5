/**
 * Google's generateContent on loopback: real HTTP and server-sent events, refusing what the vendor refuses.
 * @see https://ai.google.dev/api/generate-content
 */
import type { ServerResponse } from 'node:http';
import { sendEvents, sendJson } from '../event-stream.js';
import type { RecordedRequest } from '../loopback.js';
import { ModelEmulator, type ModelEmulatorOptions } from '../model-emulator.js';
import { Refusal } from '../problem.js';
import { isFailure } from '../script.js';
import { chunksOf, eventsOf, responseOf } from './answers.js';
import { checkRequest } from './check-request.js';
import { failureBody, refusalBody, wrongKey } from './errors.js';
import { Signatures } from './signatures.js';

const PATH = /^\/v1(?:beta)?\/models\/([^/:]+):(generateContent|streamGenerateContent)$/;

/** What the emulator is started with. */
export interface GeminiEmulatorOptions extends ModelEmulatorOptions {
  /** Of its models, those from before Gemini 3: their calls have no id and no signature, and they know no level of thinking. */
  readonly earlyModels?: readonly string[];
}

/**
 * The emulator. Point `baseUrl` of a provider, or of the vendor's own client, at its `url`. A prompt that the vendor blocks is
 * scripted as `{ finish: 'blocked:SAFETY' }`.
 * @example
 * await using vendor = await GeminiEmulator.start({ script: ['Hello!'] });
 * const provider = new GeminiAIProvider({ apiKey: 'test-key', model: 'test-model', baseUrl: vendor.url });
 */
export class GeminiEmulator extends ModelEmulator {
  readonly #signatures = new Signatures();
  readonly #earlyModels: readonly string[];

  private constructor(options: GeminiEmulatorOptions) {
    super(options);
    this.#earlyModels = options.earlyModels ?? [];
  }

  /** Starts one on a free port. */
  static async start(options: GeminiEmulatorOptions = {}): Promise<GeminiEmulator> {
    const emulator = new GeminiEmulator(options);
    await emulator.listen();
    return emulator;
  }

  protected async answer(request: RecordedRequest, response: ServerResponse): Promise<void> {
    try {
      const { pathname, searchParams } = new URL(request.path, this.url);
      const [, model, method] = PATH.exec(pathname) ?? [];
      if (request.method !== 'POST' || model === undefined) throw new Refusal(404, 'NOT_FOUND', 'Requested entity was not found.');
      this.#authenticate(request.headers['x-goog-api-key'] ?? searchParams.get('key') ?? undefined);
      const isStreamed = method === 'streamGenerateContent';
      const asked = checkRequest(request, decodeURIComponent(model), isStreamed, {
        models: this.models,
        earlyModels: this.#earlyModels,
        contextWindow: this.contextWindow,
        signatures: this.#signatures,
      });
      const reply = this.nextReply(asked);
      if (isFailure(reply)) {
        await reply.hold;
        await sendJson(response, reply.failure.status, failureBody(reply.failure));
        return;
      }
      const chunks = chunksOf(reply, asked, this.#signatures);
      if (!isStreamed) await sendJson(response, 200, responseOf(chunks), reply);
      else if (searchParams.get('alt') !== 'sse') await sendJson(response, 200, chunks, reply);
      else await sendEvents(response, eventsOf(chunks), reply, () => ({ data: failureBody(reply.failAfter?.failure ?? { status: 503 }) }));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      await sendJson(response, error.status, refusalBody(error));
    }
  }

  #authenticate(key: string | readonly string[] | undefined): void {
    if (key === undefined)
      throw new Refusal(
        403,
        'PERMISSION_DENIED',
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
      );
    if (key !== this.apiKey) throw wrongKey();
  }
}
