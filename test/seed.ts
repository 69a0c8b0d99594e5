/**
 * Property tests draw the same values in every run, so that a run says what changed and not which numbers came up.
 * `PROPERTY_SEED=random` draws others (a failure prints its seed), `PROPERTY_SEED=1234` those of a seed; together with
 * `PROPERTY_RUNS=50` that is a long look.
 */
import fc from 'fast-check';

const given = process.env['PROPERTY_SEED'] ?? '20261125';
if (given !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(given) });
