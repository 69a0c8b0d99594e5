/** All scenarios, under the names of bench/README.md. */
import type { Scenario } from './harness.js';
import { agentPipelineTurn, agentTurn, agentTurnStream, handoffHandle } from './scenarios/agents.js';
import { fanout10, fanout100, fanout500, fanoutConnections, transcode } from './scenarios/fanout.js';
import { hooks, idempotency, inboundConcurrent, inboundHistory, inboundOneToOne, inboundRoute, inboundSequential } from './scenarios/inbound.js';
import { eventMemory, importTime, rooms10k, rooms50k } from './scenarios/memory.js';
import { sqliteInbound } from './scenarios/sqlite.js';

export const SCENARIOS: readonly Scenario[] = [
  inboundSequential,
  inboundOneToOne,
  inboundConcurrent,
  inboundHistory,
  inboundRoute,
  fanout10,
  fanout100,
  fanout500,
  fanoutConnections,
  hooks,
  agentTurn,
  agentTurnStream,
  agentPipelineTurn,
  handoffHandle,
  rooms10k,
  rooms50k,
  eventMemory,
  idempotency,
  transcode,
  sqliteInbound,
  importTime,
];
