/** The contract of storage (behaviour §16), gathered from its parts. */
import { approvalCases } from './store-approvals-contract.js';
import { commitCases } from './store-commits-contract.js';
import { factCases } from './store-facts-contract.js';
import { holdCases } from './store-holds-contract.js';
import { memberCases } from './store-members-contract.js';
import { outboxCases } from './store-outbox-contract.js';
import { peopleCases } from './store-people-contract.js';
import { recordChangeCases } from './store-record-changes-contract.js';
import { recordCases } from './store-records-contract.js';
import { roomCases } from './store-rooms-contract.js';
import { routingCases } from './store-routing-contract.js';
import { summaryCases } from './store-summary-contract.js';
import { timelineCases } from './store-timeline-contract.js';
import { turnCases } from './store-turns-contract.js';
import { usageCases } from './store-usage-contract.js';
import type { StoreCase } from './store-case.js';

/**
 * What every ConversationStore promises, as cases that any test runner can run on a store of yours.
 * @example
 * import { storeContract } from 'roomkit/testing';
 * import { describe, it } from 'vitest'; // or from 'node:test'
 *
 * const open = async () => MyStore.open(await emptyDatabase()); // a new, empty store for each case; the case closes it
 *
 * describe('MyStore', () => {
 *   for (const c of storeContract) it(c.name, () => c.run(open));
 * });
 */
export const storeContract: readonly StoreCase[] = [
  ...roomCases,
  ...commitCases,
  ...timelineCases,
  ...memberCases,
  ...peopleCases,
  ...outboxCases,
  ...turnCases,
  ...summaryCases,
  ...approvalCases,
  ...usageCases,
  ...holdCases,
  ...factCases,
  ...recordCases,
  ...recordChangeCases,
  ...routingCases,
];
