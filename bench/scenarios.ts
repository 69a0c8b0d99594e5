/** All scenarios, under the names and in the order of bench/README.md. */
import type { Scenario } from './harness.js';
import { agentPipelineTurn, agentTurn, agentTurnStream } from './scenarios/agents.js';
import { fanout10, fanout100, fanout500, fanoutConnections } from './scenarios/fanout.js';
import { handoffHandle } from './scenarios/handoff.js';
import { hooks0, hooks10, hooks50 } from './scenarios/hooks.js';
import { idempotency } from './scenarios/idempotency.js';
import { importTime } from './scenarios/import.js';
import { inboundConcurrent, inboundHistory, inboundOneToOne, inboundRoute, inboundSequential } from './scenarios/inbound.js';
import { eventMemory, rooms10k, rooms50k } from './scenarios/memory.js';
import { pgRooms1mMemory } from './scenarios/postgres-memory.js';
import { pgInbound, pgInboundConcurrent, pgTwoProcesses, recoveryTime } from './scenarios/postgres.js';
import { realtimeFanout, redisLockCycle } from './scenarios/processes.js';
import { restPostMessage, timelinePage1m } from './scenarios/rest.js';
import { wsBroadcast1000, wsEndToEnd, wsIdle10k } from './scenarios/sockets.js';
import { sqliteInbound } from './scenarios/sqlite.js';
import { transcode } from './scenarios/transcode.js';
import { agentTurnVendor } from './scenarios/vendor.js';
import { webhookToWs } from './scenarios/webhook.js';

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
  hooks0,
  hooks10,
  hooks50,
  agentTurn,
  agentTurnStream,
  agentPipelineTurn,
  agentTurnVendor,
  handoffHandle,
  rooms10k,
  rooms50k,
  eventMemory,
  idempotency,
  transcode,
  sqliteInbound,
  pgInbound,
  pgInboundConcurrent,
  pgTwoProcesses,
  pgRooms1mMemory,
  recoveryTime,
  redisLockCycle,
  realtimeFanout,
  wsEndToEnd,
  wsBroadcast1000,
  wsIdle10k,
  webhookToWs,
  restPostMessage,
  timelinePage1m,
  importTime,
];
