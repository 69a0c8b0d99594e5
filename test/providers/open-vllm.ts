/** A provider of a compatible server in front of an emulator of vLLM, which gives thoughts in a field, or between tags. */
import { VllmEmulator } from '../../src/emulators/index.js';
import { createVllmProvider } from '../../src/providers/vllm/index.js';
import type { OpenProvider } from '../../src/testing/index.js';
import { unusedAddress } from './unused-address.js';

export const openVllm = (thinking: 'reasoning' | 'reasoning_content' | 'tags' | 'closing_tag'): OpenProvider => {
  return async (options = {}) => {
    const server = await VllmEmulator.start({ apiKey: 'test-key', thinking });
    const key = options.hasWrongKey === true ? 'wrong-key' : 'test-key';
    return {
      provider: createVllmProvider({
        apiKey: key,
        model: options.hasUnknownModel === true ? 'no-such-model' : 'test-model',
        baseUrl: options.isUnreachable === true ? `${await unusedAddress()}/v1` : server.baseUrl,
        vision: true,
        streamUsage: true,
        startsThinking: thinking === 'closing_tag',
        ...(options.timeoutSeconds !== undefined && { timeoutSeconds: options.timeoutSeconds }),
      }),
      reply: (...replies) => server.enqueue(...replies),
      requests: () => server.requests,
      openConnections: () => server.openConnections,
      key,
      close: () => server.close(),
    };
  };
};
