/** The AI SDK's own models are models for `AISDKProvider`, of both specifications, as their packages type them. */
import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { LanguageModel } from 'ai';
import { AISDKProvider, type AISDKModel } from 'roomkit/ai-sdk';
import type { Expect } from './assertions.js';

type LanguageModelV3 = Extract<LanguageModel, { specificationVersion: 'v3' }>;
type LanguageModelV2 = Extract<LanguageModel, { specificationVersion: 'v2' }>;

export type V3Fits = Expect<LanguageModelV3 extends AISDKModel ? true : false>;
export type V4Fits = Expect<LanguageModelV4 extends AISDKModel ? true : false>;
/** Not vacuously: there are such models. */
export type V3IsThere = Expect<[LanguageModelV3] extends [never] ? false : true>;

export function takesModels(v3: LanguageModelV3, v4: LanguageModelV4): AISDKProvider[] {
  return [new AISDKProvider({ model: v3 }), new AISDKProvider({ model: v4, providerOptions: { anthropic: { effort: 'low' } } })];
}

export function takesNoOthers(v2: LanguageModelV2): void {
  // @ts-expect-error 2322: a model of an older specification
  new AISDKProvider({ model: v2 });
  // @ts-expect-error 2322: a model's name is no model
  new AISDKProvider({ model: 'mistral/mistral-large' });
  // @ts-expect-error 2353: the key is the model's
  new AISDKProvider({ model: {} as AISDKModel, apiKey: 'x' });
}
