/** What this provider uses of the core, in one place. */
export * from '../../core/index.js';
