/** Google's models behind the kit's contract (AI-11, providers §8). */
import type * as GenAI from '@google/genai';
import type { AIProvider, GenerateOptions } from '../../ai/provider.js';
import type { AIContext, AIResponse, AIStreamItem } from '../../core/models/ai.js';
import type { RetryPolicy } from '../../core/models/delivery.js';
import { withTrace } from '../../core/telemetry/outgoing.js';
import type { Secret } from '../../core/telemetry/secret.js';
import { apiKeyOf } from '../_shared/ai/api-key.js';
import { Deadline } from '../_shared/ai/deadline.js';
import { hideKey } from '../_shared/ai/hidden-key.js';
import { DEFAULT_TIMEOUT_SECONDS, MODEL_RETRY_POLICY } from '../_shared/ai/options.js';
import { loadPeer } from '../_shared/peer.js';
import { ToolNames } from '../_shared/ai/tool-names.js';
import { answerOf, itemsOf } from './answer.js';
import { checkGeminiConfig, type GeminiConfig } from './config.js';
import { failureOf } from './failure.js';
import { requestOf } from './request.js';

/** Longest name of a tool. */
const MAX_TOOL_NAME = 128;

interface Sdk {
  readonly module: typeof GenAI;
  readonly client: GenAI.GoogleGenAI;
}

/**
 * Gemini, by generateContent: text, images, tools, thinking, streaming.
 * @example new Agent('helper', { provider: new GeminiAIProvider({ model: 'gemini-…' }), systemPrompt: 'You help.' })
 */
export class GeminiAIProvider implements AIProvider {
  readonly name = 'gemini';
  readonly modelName: string;
  readonly supportsVision: boolean;
  readonly supportsStreaming = true;
  readonly supportsTools = true;
  readonly retryPolicy: RetryPolicy;
  readonly #config: GeminiConfig;
  readonly #key: Secret | undefined;
  #sdk: Promise<Sdk> | undefined;

  constructor(config: GeminiConfig) {
    checkGeminiConfig(config);
    const { apiKey, ...rest } = config;
    this.#config = rest;
    this.#key = config.client === undefined ? apiKeyOf('GeminiAIProvider', apiKey, ['GEMINI_API_KEY', 'GOOGLE_API_KEY']) : undefined;
    this.modelName = config.model;
    this.supportsVision = config.vision ?? true; // every Gemini that is still served reads images
    this.retryPolicy = config.retryPolicy ?? MODEL_RETRY_POLICY;
  }

  async generate(context: AIContext, options?: GenerateOptions): Promise<AIResponse> {
    const names = new ToolNames(context, MAX_TOOL_NAME);
    const { module, client } = await this.#client();
    const deadline = this.#deadline(options);
    try {
      return await answerOf(await client.models.generateContent(this.#request(context, names, deadline)), names, this.modelName);
    } catch (error) {
      throw hideKey(failureOf(module, error, deadline, false), this.#key, context);
    } finally {
      deadline.end();
    }
  }

  async *generateStream(context: AIContext, options?: GenerateOptions): AsyncGenerator<AIStreamItem, void> {
    const names = new ToolNames(context, MAX_TOOL_NAME);
    const { module, client } = await this.#client();
    const deadline = this.#deadline(options);
    let hasBegun = false;
    try {
      const chunks = await client.models.generateContentStream(this.#request(context, names, deadline));
      hasBegun = true;
      deadline.begin();
      yield* itemsOf(chunks, names, this.modelName);
    } catch (error) {
      throw hideKey(failureOf(module, error, deadline, hasBegun), this.#key, context);
    } finally {
      deadline.end(); // the client leaves the connection open when nobody reads on
    }
  }

  /** The client's own timeout would run on while the answer comes. */
  #deadline(options: GenerateOptions | undefined): Deadline {
    return new Deadline(this.#config.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS, options?.signal);
  }

  #request(context: AIContext, names: ToolNames, deadline: Deadline): GenAI.GenerateContentParameters {
    deadline.signal.throwIfAborted();
    const request = requestOf(context, this.#config, names);
    const key = context.metadata?.['api_key'];
    const headers = withTrace(typeof key === 'string' ? { 'x-goog-api-key': key } : undefined);
    const httpOptions = headers === undefined ? {} : { httpOptions: { headers: { ...headers } } };
    return { ...request, config: { ...request.config, ...httpOptions, abortSignal: deadline.signal } };
  }

  #client(): Promise<Sdk> {
    return (this.#sdk ??= this.#load());
  }

  async #load(): Promise<Sdk> {
    const { client, baseUrl, headers } = this.#config;
    try {
      const module = await loadPeer('GeminiAIProvider', '@google/genai', () => import('@google/genai'));
      if (client !== undefined) return { module, client };
      const made = new module.GoogleGenAI({
        apiKey: this.#key?.reveal() ?? '',
        vertexai: false, // never from the environment: where the key goes is said in the program
        apiVersion: 'v1beta',
        // Without retryOptions the client asks once: retries are the agent's, which knows whether anything was shown (AI-09).
        httpOptions: { baseUrl: baseUrl ?? 'https://generativelanguage.googleapis.com', ...(headers !== undefined && { headers: { ...headers } }) },
      });
      return { module, client: made };
    } catch (error) {
      this.#sdk = undefined; // once the package is installed, the next turn finds it
      throw error;
    }
  }
}
