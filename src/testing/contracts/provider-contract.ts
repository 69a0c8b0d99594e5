/** The contract of model providers (AI-11, providers §8). */
import { answerTests } from './provider-answers.js';
import { providerCases, type ProviderCase } from './provider-case.js';
import { failureTests } from './provider-failures.js';
import { toolTests } from './provider-tools.js';

/**
 * What every AIProvider promises, as cases that any test runner can run on a provider of yours in front of a scripted vendor.
 * @example
 * import { providerContract } from 'roomkit/testing';
 * import { describe, it } from 'vitest'; // or from 'node:test'
 *
 * describe('MyProvider', () => {
 *   for (const c of providerContract) it(c.name, () => c.run(openMyProvider));
 * });
 */
export const providerContract: readonly ProviderCase[] = providerCases([...answerTests, ...toolTests, ...failureTests]);
