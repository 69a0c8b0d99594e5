/** The contract of messaging vendors (providers §1). */
import { transportCases, type TransportCase } from './transport-case.js';
import { routeTests } from './transport-routes.js';
import { sendingTests } from './transport-sending.js';
import { webhookTests } from './transport-webhooks.js';

/**
 * What every messaging vendor's provider promises, as cases that any test runner can run on a provider of yours in front of
 * an emulated vendor.
 * @example
 * import { transportContract } from 'roomkit/testing';
 * import { describe, it } from 'vitest'; // or from 'node:test'
 *
 * describe('MyProvider', () => {
 *   for (const c of transportContract) it(c.name, () => c.run(openMyProvider));
 * });
 */
export const transportContract: readonly TransportCase[] = transportCases([...sendingTests, ...webhookTests, ...routeTests]);
