/**
 * Kits that share a store tell each other how they are set up (KIT-08): what must be the same and is not is said at the start of
 * whoever comes second, before anything was lost by it. One small fact per kit, renewed now and then, gone when it closes.
 */
import { isoTime, type Timer } from './clock.js';
import type { Metadata } from './models/json.js';
import { InMemoryLockManager } from './locks/in-memory.js';
import type { KitParts } from './parts.js';
import { OWN_FACTS } from './store/status.js';

const KITS = `${OWN_FACTS}kits/`;
const AGAIN_MS = 300_000;
/** A kit that died is believed to be there for so long. */
const BELIEVED_MS = 3 * AGAIN_MS;

/** What does harm when two kits differ in it, and what harm. */
const HARM: Readonly<Record<string, string>> = {
  lockManager: 'they do not lock each other out, and the one with the lower fencing tokens is refused every write',
  realtime: 'typing, previews and wake-ups do not reach the other',
  onUnknown: 'what one holds, the other sends a second time',
  mediaStore: 'files that one has stored are not there for the other',
};
/** These are an organization's own matter. */
const OF_ORGANIZATION: readonly string[] = ['onUnknown', 'mediaStore'];

export class Peers {
  readonly #key: string;
  readonly #own: Readonly<Record<string, string>>;
  readonly #told = new Set<string>();
  #timer: Timer | undefined;
  #isWritten = false;
  #isStopped = false;

  constructor(private readonly parts: KitParts) {
    const { options, owner, realtime } = parts;
    this.#key = `${KITS}${owner}`;
    this.#own = {
      organization: options.organizationId ?? '',
      lockManager: options.lockManager === undefined ? InMemoryLockManager.name : nameOf(options.lockManager),
      realtime: nameOf(realtime),
      onUnknown: options.onUnknown ?? 'resend',
      mediaStore: options.mediaStore === undefined ? 'none' : nameOf(options.mediaStore),
    };
  }

  start(): void {
    const { store } = this.parts;
    if (store.shared && store.listFacts !== undefined && store.putFact !== undefined) this.#schedule(0);
  }

  /** Nobody has to compare with this kit any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    if (this.#isWritten) await this.parts.store.putFact?.(this.#key, null);
  }

  #schedule(ms: number): void {
    if (this.#isStopped) return;
    this.#timer = this.parts.clock.setTimer(ms, () => {
      void this.parts.tasks.run(async () => {
        try {
          await this.#look();
        } catch (error) {
          if (!this.#isStopped) this.parts.logger.debug('Other kits on the store could not be looked at; it is tried again.', { error });
        }
        this.#schedule(AGAIN_MS);
      });
    });
  }

  async #look(): Promise<void> {
    const { store, leases } = this.parts;
    const now = leases.now();
    for (const { key, fact } of (await store.listFacts?.({ prefix: KITS })) ?? []) {
      if (this.#isStopped) return;
      if (key === this.#key) continue;
      if (String(fact['until']) > isoTime(now)) this.#compare(fact);
      else await store.putFact?.(key, null);
    }
    if (this.#isStopped) return;
    this.#isWritten = true;
    await store.putFact?.(this.#key, { ...this.#own, until: isoTime(now + BELIEVED_MS) });
  }

  #compare(other: Metadata): void {
    const { store, framework, logger } = this.parts;
    const isSameOrganization = other['organization'] === this.#own['organization'];
    for (const [setting, harm] of Object.entries(HARM)) {
      const here = this.#own[setting];
      const there = other[setting];
      if (here === there || (OF_ORGANIZATION.includes(setting) && !isSameOrganization)) continue;
      const difference = `${setting} ${String(there)}`;
      if (this.#told.has(difference)) continue;
      this.#told.add(difference);
      logger.warn(
        `Another kit on the store '${store.name}' has ${setting} '${String(there)}', this one has '${String(here)}': ${harm}. Give all kits on one database the same.`,
      );
      if (framework.has('unsafe_configuration'))
        framework.emit('unsafe_configuration', { data: { store: store.name, setting, here: String(here), there: String(there) } });
    }
  }
}

function nameOf(part: object): string {
  const { name } = part.constructor;
  return name === '' || name === 'Object' ? 'own' : name;
}
