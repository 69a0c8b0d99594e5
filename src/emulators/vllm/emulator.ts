/**
 * A vLLM server on loopback: chat completions with its fields, its bodies of errors, and its list of models.
 * @see https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
 */
import type { ServerResponse } from 'node:http';
import { sendEvents, sendJson } from '../event-stream.js';
import type { RecordedRequest } from '../loopback.js';
import { ModelEmulator, type ModelEmulatorOptions } from '../model-emulator.js';
import { Refusal } from '../problem.js';
import { isFailure, type ScriptedFailure } from '../script.js';
import { chunksOf, saidOf, wholeOf, type ThinkingPlace } from './answers.js';
import { checkRequest } from './check.js';

const TYPES: Readonly<Record<number, string>> = {
  400: 'BadRequestError',
  404: 'NotFoundError',
  422: 'UnprocessableEntityError',
  500: 'InternalServerError',
  503: 'ServiceUnavailable',
};

/** What the emulator is started with. */
export interface VllmEmulatorOptions extends Omit<ModelEmulatorOptions, 'apiKey'> {
  /** The only key it takes; default: it asks for none. */
  readonly apiKey?: string;
  /** Where the model's thoughts are; default `'reasoning'`. */
  readonly thinking?: ThinkingPlace;
  /** Whether the model's template wants user and assistant to take turns, the user first, as many do; default true. */
  readonly alternates?: boolean;
}

/**
 * The emulator. Point `baseUrl` of a provider, or of OpenAI's own client, at its `baseUrl`.
 * @example
 * await using server = await VllmEmulator.start({ script: [{ thinking: 'A greeting.', text: 'Hello!' }] });
 * const provider = createVllmProvider({ model: 'test-model', baseUrl: server.baseUrl });
 */
export class VllmEmulator extends ModelEmulator {
  readonly #options: VllmEmulatorOptions;

  private constructor(options: VllmEmulatorOptions) {
    super(options);
    this.#options = options;
  }

  /** Starts one on a free port. */
  static async start(options: VllmEmulatorOptions = {}): Promise<VllmEmulator> {
    const emulator = new VllmEmulator(options);
    await emulator.listen();
    return emulator;
  }

  /** Its `url` and the path of the API: `http://127.0.0.1:PORT/v1`. */
  get baseUrl(): string {
    return `${this.url}/v1`;
  }

  protected async answer(request: RecordedRequest, response: ServerResponse): Promise<void> {
    const path = request.path.split('?')[0] ?? '';
    const { apiKey } = this.#options;
    if (apiKey !== undefined && path.startsWith('/v1') && request.headers.authorization !== `Bearer ${apiKey}`) {
      await sendJson(response, 401, { error: 'Unauthorized' });
      return;
    }
    try {
      if (request.method === 'GET' && path === '/v1/models') await sendJson(response, 200, this.#modelList());
      else if (request.method === 'POST' && path === '/v1/chat/completions') await this.#chat(request, response);
      else await sendJson(response, 404, { detail: 'Not Found' });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, type, message, param } = error;
      await sendJson(response, status, { error: { message, type, param, code: status } });
    }
  }

  async #chat(request: RecordedRequest, response: ServerResponse): Promise<void> {
    const { alternates = true, thinking = 'reasoning' } = this.#options;
    const asked = checkRequest(request, { models: this.models, contextWindow: this.contextWindow, alternates });
    const reply = this.nextReply(asked);
    if (isFailure(reply)) {
      await reply.hold;
      const { status, retryAfterSeconds } = reply.failure;
      await sendJson(
        response,
        status,
        errorBody(reply.failure),
        {},
        retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) },
      );
      return;
    }
    const said = saidOf(reply, asked, thinking);
    if (!asked.isStreamed) await sendJson(response, 200, wholeOf(said), reply);
    else await sendEvents(response, chunksOf(said, reply, asked), reply, () => ({ data: errorBody(reply.failAfter?.failure ?? { status: 500 }) }));
  }

  #modelList(): unknown {
    const data = this.models.map((id) => ({
      id,
      object: 'model',
      created: 1_700_000_000,
      owned_by: 'vllm',
      root: id,
      parent: null,
      max_model_len: this.contextWindow,
    }));
    return { object: 'list', data };
  }
}

/** Here the code is the status, as a number. */
function errorBody({ status, type, message }: ScriptedFailure): unknown {
  return {
    error: {
      message: message ?? 'The request failed.',
      type: type ?? TYPES[status] ?? (status < 500 ? 'BadRequestError' : 'InternalServerError'),
      param: null,
      code: status,
    },
  };
}
