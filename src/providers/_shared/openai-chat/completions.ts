/** A model behind chat completions. */
import type OpenAI from 'openai';
import type { GenerateOptions } from '../../../ai/provider.js';
import type { AIContext, AIResponse, AIStreamItem } from '../../../core/models/ai.js';
import { ToolNames } from '../ai/tool-names.js';
import { chatAnswerOf, chatItemsOf, type ChatReading } from './answer.js';
import type { Help, OpenAIConnection } from './connection.js';
import type { ChatDialect } from './dialect.js';
import { chatRequestOf, MAX_TOOL_NAME } from './request.js';

/** One way of asking a model. */
export interface ModelApi {
  generate(context: AIContext, options?: GenerateOptions): Promise<AIResponse>;
  generateStream(context: AIContext, options?: GenerateOptions): AsyncGenerator<AIStreamItem, void>;
}

export class ChatCompletions implements ModelApi {
  constructor(
    private readonly connection: OpenAIConnection,
    private readonly dialect: ChatDialect,
    private readonly help?: Help,
  ) {}

  async generate(context: AIContext, options?: GenerateOptions): Promise<AIResponse> {
    const reading = this.#reading(context);
    const body = chatRequestOf(context, this.dialect, reading.names);
    return this.connection.ask(
      context,
      options,
      async (client, request) => chatAnswerOf(await client.chat.completions.create(body, request), reading),
      this.help,
    );
  }

  async *generateStream(context: AIContext, options?: GenerateOptions): AsyncGenerator<AIStreamItem, void> {
    const reading = this.#reading(context);
    const body: OpenAI.ChatCompletionCreateParamsStreaming = {
      ...chatRequestOf(context, this.dialect, reading.names),
      stream: true,
      ...(this.dialect.asksForUsage && { stream_options: { include_usage: true } }),
    };
    yield* this.connection.stream(
      context,
      options,
      (client, request) => client.chat.completions.create(body, request),
      (chunks) => chatItemsOf(chunks, reading),
      this.help,
    );
  }

  #reading(context: AIContext): ChatReading {
    return { provider: this.connection.provider, names: new ToolNames(context, MAX_TOOL_NAME), thinkTags: this.dialect.thinkTags };
  }
}
