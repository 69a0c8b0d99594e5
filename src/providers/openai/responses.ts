/** A model behind the responses API. Nothing is kept by the vendor: each request holds the whole conversation. */
import type { GenerateOptions } from '../../ai/provider.js';
import type { AIContext, AIResponse, AIStreamItem } from '../../core/models/ai.js';
import { ToolNames } from '../_shared/ai/tool-names.js';
import type { ModelApi } from '../_shared/openai-chat/completions.js';
import type { OpenAIConnection } from '../_shared/openai-chat/connection.js';
import { MAX_TOOL_NAME } from '../_shared/openai-chat/request.js';
import { responsesAnswerOf, responsesItemsOf } from './responses-answer.js';
import { responsesRequestOf, type ResponsesSettings } from './responses-request.js';

export class Responses implements ModelApi {
  constructor(
    private readonly connection: OpenAIConnection,
    private readonly settings: ResponsesSettings,
  ) {}

  async generate(context: AIContext, options?: GenerateOptions): Promise<AIResponse> {
    const names = new ToolNames(context, MAX_TOOL_NAME);
    const body = responsesRequestOf(context, this.settings, names);
    const reading = { provider: this.connection.provider, names, model: this.settings.model };
    return this.connection.ask(context, options, async (client, request) =>
      responsesAnswerOf(await client.responses.create({ ...body, stream: false }, request), reading),
    );
  }

  async *generateStream(context: AIContext, options?: GenerateOptions): AsyncGenerator<AIStreamItem, void> {
    const names = new ToolNames(context, MAX_TOOL_NAME);
    const body = responsesRequestOf(context, this.settings, names);
    const reading = { provider: this.connection.provider, names, model: this.settings.model };
    yield* this.connection.stream(
      context,
      options,
      (client, request) => client.responses.create({ ...body, stream: true }, request),
      (events) => responsesItemsOf(events, reading),
    );
  }
}
