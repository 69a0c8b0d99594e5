/**
 * `roomkit/testing`: what tests of your own need: virtual time, doubles that remember, one suite per seam.
 * @module roomkit/testing
 */
export { MockAIProvider, MockMemoryProvider } from '../ai/index.js';
export { type ContractCase } from './contracts/contract.js';
export { Conversation, type ConversationOptions, type ExpectedReply, type ExpectedToolCall } from './conversation/conversation.js';
export type { ExpectedArguments, ExpectedText } from './conversation/expected.js';
export type { RecordedHandoff } from './conversation/log.js';
export { conversationMatchers, type ConversationMatchers, type MatcherResult } from './conversation/matchers.js';
export { Person, type PersonOptions } from './conversation/person.js';
export { lockContract, type LockCase, type LockSetup, type OpenLocks } from './contracts/lock-contract.js';
export { mediaStoreContract, type MediaStoreCase, type MediaStoreSetup, type OpenMediaStore } from './contracts/media-store-contract.js';
export { memoryContract, type MemoryCase, type OpenMemory } from './contracts/memory-contract.js';
export {
  type OpenProvider,
  type OpenProviderOptions,
  type ProviderAbility,
  type ProviderCase,
  type ProviderSetup,
} from './contracts/provider-case.js';
export { providerContract } from './contracts/provider-contract.js';
export { realtimeContract, type OpenRealtime, type RealtimeCase, type RealtimeSetup } from './contracts/realtime-contract.js';
export { type OpenSource, type OpenSourceOptions, type SaidToSource, type SourceCase, type SourceSetup } from './contracts/source-case.js';
export { sourceContract } from './contracts/source-contract.js';
export { type OpenStore, type StoreCase } from './contracts/store-case.js';
export { storeContract } from './contracts/store-contract.js';
export {
  type Arrived,
  type DocumentedError,
  type OpenTransport,
  type OpenTransportOptions,
  type TransportAbility,
  type TransportCase,
  type TransportSetup,
} from './contracts/transport-case.js';
export { transportContract } from './contracts/transport-contract.js';
export { FaultLockManager, type FaultLockManagerOptions, type LockStep } from './fault-lock-manager.js';
export { FaultStore, type FaultStoreOptions, type StoreMethod } from './fault-store.js';
export type { FailTiming, FaultTiming } from './faults.js';
export { InMemoryMediaStore, type InMemoryMediaStoreOptions, type MediaAtAddress } from './in-memory-media-store.js';
export { MockIdentityResolver, type MockIdentityResolverOptions } from './mock-identity-resolver.js';
export { MockTelemetryProvider, type RecordedSpan } from './mock-telemetry-provider.js';
export {
  MockEmailProvider,
  MockHTTPProvider,
  MockMessengerProvider,
  MockRCSProvider,
  MockSMSProvider,
  MockTeamsProvider,
  MockTelegramProvider,
  MockWhatsAppPersonalProvider,
  MockWhatsAppProvider,
} from './mock-text-providers.js';
export { MockTransportProvider } from './mock-transport-provider.js';
export { SimulatedClient } from './simulator/clients.js';
export { closings } from './simulator/closings.js';
export { collisions } from './simulator/collisions.js';
export { conversations } from './simulator/conversations.js';
export { FAULT_KINDS, type Fault, type FaultKind, type MetFault } from './simulator/faults.js';
export { SimulatedLeases } from './simulator/locks.js';
export { SimulatedModel, type SimulatedModelOptions } from './simulator/model.js';
export { People, type Written } from './simulator/people.js';
export { SimulatedProcess, type Surroundings } from './simulator/process.js';
export { SeededRandom } from './simulator/random.js';
export { SimulatedBroker, type SimulatedListener } from './simulator/realtime.js';
export { type RunOutcome } from './simulator/run.js';
export {
  describeSimulation,
  mergeSimulations,
  simulate,
  type SimulateOptions,
  type SimulationFailure,
  type SimulationReport,
} from './simulator/simulate.js';
export { Stage } from './simulator/stage.js';
export { SimulatedDatabase } from './simulator/store.js';
export { SimulatedVendor, type TakenMessage } from './simulator/vendor.js';
export { World, type ProcessParts, type Running, type Scenario, type Variant } from './simulator/world.js';
export { TestClock } from './test-clock.js';
