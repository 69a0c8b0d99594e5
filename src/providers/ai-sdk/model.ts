/**
 * As much of an AI SDK language model as is used here. The models of the specifications v3 (`ai` 6) and v4 fit; their package is
 * not needed.
 */

/** What a model is asked with. The shapes inside are those of the model's own specification. */
export interface AISDKCallOptions {
  /** The conversation, its prompt first. */
  readonly prompt: readonly unknown[];
  /** Length of the answer; absent: the model's own limit. */
  readonly maxOutputTokens?: number;
  /** Absent: the model's own. */
  readonly temperature?: number;
  /** On offer; absent: none. */
  readonly tools?: readonly unknown[];
  /** Aborted when nobody wants the answer any more. */
  readonly abortSignal?: AbortSignal;
  /** Further headers, for models that are reached over HTTP. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** By the name of the model's vendor. */
  readonly providerOptions?: Readonly<Record<string, object>>;
}

/** Tokens, as the model counted them. */
export interface AISDKUsage {
  readonly inputTokens: {
    readonly total: number | undefined;
    readonly noCache: number | undefined;
    readonly cacheRead: number | undefined;
    readonly cacheWrite: number | undefined;
  };
  readonly outputTokens: { readonly total: number | undefined; readonly reasoning: number | undefined };
}

/** A part of an answer, whole or streamed, told apart by `type`; other fields and other types are passed over. */
export interface AISDKPart {
  readonly type: string;
  /** Which text, thought or tool input a piece belongs to. */
  readonly id?: string;
  readonly text?: string;
  readonly delta?: string;
  readonly toolCallId?: string;
  readonly toolName?: string;
  /** JSON text. */
  readonly input?: string;
  /** The model's vendor runs it, not the kit. */
  readonly providerExecuted?: boolean;
  readonly modelId?: string;
  readonly usage?: AISDKUsage;
  readonly finishReason?: AISDKFinish;
  readonly providerMetadata?: Readonly<Record<string, object>>;
  readonly error?: unknown;
}

/** Why an answer ended: in the SDK's word, and in the vendor's. */
export interface AISDKFinish {
  readonly unified: string;
  readonly raw: string | undefined;
}

/** A whole answer. */
export interface AISDKGenerated {
  readonly content: readonly AISDKPart[];
  readonly finishReason: AISDKFinish;
  readonly usage: AISDKUsage;
  readonly response?: { readonly id?: string; readonly modelId?: string };
}

/** A language model of the AI SDK, such as `anthropic('claude-…')` or `createMistral()('…')` gives. */
export interface AISDKModel {
  readonly specificationVersion: 'v3' | 'v4';
  readonly provider: string;
  readonly modelId: string;
  /** By media type, the URLs that the model's vendor fetches by itself. */
  readonly supportedUrls: PromiseLike<Record<string, RegExp[]>> | Record<string, RegExp[]>;
  /** A whole answer. */
  doGenerate(options: AISDKCallOptions): PromiseLike<AISDKGenerated>;
  /** The same answer, piece by piece. */
  doStream(options: AISDKCallOptions): PromiseLike<{ readonly stream: ReadableStream<AISDKPart> }>;
}
