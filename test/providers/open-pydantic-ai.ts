/** A Pydantic AI provider in front of an agent that is served over AG-UI. */
import { AGUIEmulator } from '../../src/emulators/index.js';
import { PydanticAIProvider } from '../../src/providers/pydantic-ai/index.js';
import type { OpenProvider } from '../../src/testing/index.js';
import { unusedAddress } from './unused-address.js';

export const openPydanticAI: OpenProvider = async (options = {}) => {
  const vendor = await AGUIEmulator.start();
  const key = options.hasWrongKey === true ? 'wrong-key' : 'test-key';
  return {
    provider: new PydanticAIProvider({
      apiKey: key,
      url: options.isUnreachable === true ? await unusedAddress() : `${vendor.url}/agent`,
      vision: true,
      ...(options.timeoutSeconds !== undefined && { timeoutSeconds: options.timeoutSeconds }),
    }),
    reply: (...replies) => vendor.enqueue(...replies),
    requests: () => vendor.requests,
    openConnections: () => vendor.openConnections,
    key,
    lacks: ['model_check', 'finish_reasons'], // the protocol names no model, and says of an end no more than that it is one
    close: () => vendor.close(),
  };
};
