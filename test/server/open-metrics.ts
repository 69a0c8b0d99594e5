/** A strict reader of the OpenMetrics text format 1.0: whatever its grammar forbids is an error here. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly unit: string | undefined;
  readonly help: string | undefined;
  readonly samples: readonly Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const NUMBER = /^(?:[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?Inf(?:inity)?|NaN)$/;

/** What the names of samples may end with, by type. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total', '_created'],
  gauge: [''],
  histogram: ['_bucket', '_count', '_sum', '_created'],
  info: ['_info'],
  stateset: [''],
  unknown: [''],
};

/** Throws an Error that names the line. */
export function readOpenMetrics(text: string): Map<string, Family> {
  if (!text.endsWith('# EOF\n')) throw new Error('The text does not end with "# EOF" and a line feed.');
  if (text.includes('\r')) throw new Error('Lines end with a line feed alone.');
  const lines = text.slice(0, -1).split('\n');
  lines.pop(); // # EOF
  const families = new Map<string, Family & { samples: Sample[]; type: string; unit: string | undefined; help: string | undefined }>();
  let current: (Family & { samples: Sample[]; type: string; unit: string | undefined; help: string | undefined }) | undefined;
  for (const [at, line] of lines.entries()) {
    const wrong = (what: string): Error => new Error(`Line ${at + 1} ${what}: ${line}`);
    if (line === '') throw wrong('is empty');
    if (line.startsWith('#')) {
      const found = /^# (TYPE|UNIT|HELP) (\S+) (.*)$/.exec(line);
      if (found === null) throw wrong('is no descriptor');
      const [, kind = '', name = '', rest = ''] = found;
      if (!NAME.test(name)) throw wrong('has no right name');
      if (current?.name !== name) {
        if (families.has(name)) throw wrong('begins a family once more');
        current = { name, type: 'unknown', unit: undefined, help: undefined, samples: [] };
        families.set(name, current);
      }
      if (current.samples.length > 0) throw wrong('comes behind samples of its family');
      if (kind === 'TYPE') {
        if (SUFFIXES[rest] === undefined || current.type !== 'unknown') throw wrong('names no type, or another one');
        current.type = rest;
      } else if (kind === 'UNIT') {
        if (current.unit !== undefined || !name.endsWith(`_${rest}`)) throw wrong('names a unit with which the family does not end');
        current.unit = rest;
      } else {
        if (current.help !== undefined) throw wrong('helps twice');
        current.help = unescaped(rest, wrong);
      }
      continue;
    }
    if (current === undefined) throw wrong('has no family');
    const sample = readSample(line, wrong);
    const suffix = sample.name.startsWith(current.name) ? sample.name.slice(current.name.length) : undefined;
    if (suffix === undefined || SUFFIXES[current.type]?.includes(suffix) !== true) throw wrong(`is no sample of ${current.type} ${current.name}`);
    const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
    if (current.samples.some((other) => JSON.stringify([other.name, Object.entries(other.labels).sort()]) === key)) throw wrong('comes twice');
    current.samples.push(sample);
  }
  const samplesOf = new Set<string>();
  for (const family of families.values()) {
    for (const suffix of SUFFIXES[family.type] ?? []) {
      const name = family.name + suffix;
      if (samplesOf.has(name)) throw new Error(`Samples named ${name} would belong to two families.`);
      samplesOf.add(name);
    }
    checkFamily(family);
  }
  return families;
}

function readSample(line: string, wrong: (what: string) => Error): Sample {
  const found = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (found === null) throw wrong('is no sample');
  const [, name = '', pairs, number = ''] = found;
  if (!NUMBER.test(number)) throw wrong('has no number');
  const labels: Record<string, string> = {};
  let rest = pairs ?? '';
  while (rest !== '') {
    const pair = /^([^=,]+)="((?:[^"\\\n]|\\["\\n])*)"(,(?=.)|$)/.exec(rest);
    if (pair === null) throw wrong('has labels that cannot be read');
    const [whole, label = '', value = ''] = pair;
    if (!LABEL.test(label) || Object.hasOwn(labels, label)) throw wrong('has a label that is no name, or twice');
    labels[label] = unescaped(value, wrong);
    rest = rest.slice(whole.length);
  }
  return { name, labels, value: number.endsWith('Inf') ? (number.startsWith('-') ? -Infinity : Infinity) : Number(number) };
}

function unescaped(text: string, wrong: (what: string) => Error): string {
  return text.replaceAll(/\\(.?)/g, (_whole, letter: string) => {
    if (letter === 'n') return '\n';
    if (letter === '\\' || letter === '"') return letter;
    throw wrong('has an escape that is none');
  });
}

function checkFamily({ name, type, samples }: Family): void {
  if (type === 'counter' || type === 'histogram') {
    for (const sample of samples) if (!(sample.value >= 0)) throw new Error(`${sample.name} is ${sample.value}: it cannot be below 0.`);
  }
  if (type === 'info') for (const { value } of samples) if (value !== 1) throw new Error(`${name} is an info and not 1.`);
  if (type === 'stateset') {
    for (const { labels, value } of samples)
      if (labels[name] === undefined || (value !== 0 && value !== 1)) throw new Error(`${name} is no stateset.`);
  }
  if (type !== 'histogram') return;
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
  const bounds = buckets.map(({ labels }) => (labels['le'] === '+Inf' ? Infinity : Number(labels['le'])));
  for (const { labels } of buckets) if (!/^(\+Inf|\d+\.\d+)$/.test(labels['le'] ?? '')) throw new Error(`${name} has the bound '${labels['le']}'.`);
  if (bounds.at(-1) !== Infinity) throw new Error(`${name} has no last bucket +Inf.`);
  for (const [at, bound] of bounds.entries()) {
    if (at === 0) continue;
    if (bound <= (bounds[at - 1] ?? 0)) throw new Error(`${name}: bounds do not ascend.`);
    if ((buckets[at]?.value ?? 0) < (buckets[at - 1]?.value ?? 0)) throw new Error(`${name}: buckets are not cumulative.`);
  }
  const count = samples.find((sample) => sample.name === `${name}_count`)?.value;
  if (count !== buckets.at(-1)?.value) throw new Error(`${name}: _count is ${count}, and +Inf another number.`);
  if (!samples.some((sample) => sample.name === `${name}_sum`)) throw new Error(`${name} has no _sum.`);
}
