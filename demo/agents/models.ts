/** Which model answers: that of the first vendor whose key is in the environment, else none, and the agents follow their scripts. */
import type { AIProvider } from 'roomkit';

/** A real model for the agents of the help desk. */
export interface DeskModel {
  /** For who started it: the vendor and the model's id. */
  readonly name: string;
  /** One for each agent, which closes it. */
  open(): AIProvider;
}

interface Vendor {
  readonly name: string;
  /** The environment variable that chooses it. */
  readonly chosenBy: string;
  /** Without `ROOMKIT_MODEL`. */
  readonly model: string;
  /** `chosen`: what the variable holds. */
  load(chosen: string, model: string, baseUrl: string | undefined): Promise<() => AIProvider>;
}

const VENDORS: readonly Vendor[] = [
  {
    name: 'Anthropic',
    chosenBy: 'ANTHROPIC_API_KEY',
    model: 'claude-sonnet-5-5',
    load: async (apiKey, model, baseUrl) => {
      const { AnthropicAIProvider } = await import('roomkit/anthropic');
      return () => new AnthropicAIProvider({ model, apiKey, ...(baseUrl !== undefined && { baseUrl }) });
    },
  },
  {
    name: 'OpenAI',
    chosenBy: 'OPENAI_API_KEY',
    model: 'gpt-5.6-terra',
    load: async (apiKey, model, baseUrl) => {
      const { OpenAIAIProvider } = await import('roomkit/openai');
      // Its models reason and call tools in one only there.
      return () => new OpenAIAIProvider({ model, apiKey, api: 'responses', ...(baseUrl !== undefined && { baseUrl }) });
    },
  },
  {
    name: 'Gemini',
    chosenBy: 'GEMINI_API_KEY',
    model: 'gemini-3.8-flash',
    load: async (apiKey, model, baseUrl) => {
      const { GeminiAIProvider } = await import('roomkit/gemini');
      return () => new GeminiAIProvider({ model, apiKey, ...(baseUrl !== undefined && { baseUrl }) });
    },
  },
  {
    name: 'vLLM',
    chosenBy: 'ROOMKIT_VLLM_URL',
    model: 'Qwen/Qwen3-8B',
    load: async (url, model, baseUrl) => {
      const { createVllmProvider } = await import('roomkit/vllm');
      return () => createVllmProvider({ model, baseUrl: baseUrl ?? url });
    },
  },
];

/** `baseUrl` is for tests: an emulator in the vendor's place. */
export async function chooseModel(environment: NodeJS.ProcessEnv, baseUrl?: string): Promise<DeskModel | undefined> {
  for (const vendor of VENDORS) {
    const chosen = environment[vendor.chosenBy];
    if (chosen === undefined || chosen === '') continue;
    const asked = environment['ROOMKIT_MODEL'];
    const model = asked === undefined || asked === '' ? vendor.model : asked;
    return { name: `${vendor.name}, ${model}`, open: await vendor.load(chosen, model, baseUrl) };
  }
  return undefined;
}

/** The variables that choose a model, for the help text. */
export const MODEL_VARIABLES: readonly string[] = VENDORS.map(({ chosenBy }) => chosenBy);
