/** Who does not want messages gets none. */
export { OptOutGuard, type OptOutChange, type OptOutGuardOptions, type OptOutKit, type OptOutQuery } from './guard.js';
export type { OptOut } from './record.js';
export type { OptOutLanguage, OptOutRequest } from './words.js';
