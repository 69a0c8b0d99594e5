/** Identities in memory: addresses are unique per organization, merges leave an alias (IDN-09, IDN-13). */
import { ConflictError, IdentityNotFoundError } from '../../errors.js';
import { latestFirst, planMerge, planUnmerge, withoutUndone } from '../../identity/merge.js';
import { copyJson } from '../../models/json.js';
import type { Identity, IdentityMerge } from '../../models/people.js';
import type { ChannelType } from '../../models/vocabulary.js';

export class MemoryPeople {
  readonly #identities = new Map<string, Identity>();
  readonly #addresses = new Map<string, string>();
  readonly #merges = new Map<string, IdentityMerge>();

  createIdentity(identity: Identity): Identity {
    if (this.#identities.has(identity.id) || this.#merges.has(identity.id))
      throw new ConflictError(`Identity '${identity.id}' exists already. Choose another id.`);
    for (const key of addressKeys(identity)) this.#checkFree(key, identity.id);
    this.#put(identity);
    return copyJson(identity);
  }

  getIdentity(identityId: string): Identity | null {
    const id = this.#follow(identityId);
    return copyJson(this.#identities.get(id) ?? null);
  }

  updateIdentity(identity: Identity): Identity {
    const before = this.#identities.get(identity.id);
    if (before === undefined) throw new IdentityNotFoundError(identity.id);
    for (const key of addressKeys(identity)) this.#checkFree(key, identity.id);
    for (const key of addressKeys(before)) this.#addresses.delete(key);
    this.#put(identity);
    return copyJson(identity);
  }

  resolveIdentity(query: { channelType: ChannelType; address: string; organizationId?: string }): Identity | null {
    const id = this.#addresses.get(addressKey(query.organizationId, query.channelType, query.address));
    return id === undefined ? null : this.getIdentity(id);
  }

  linkAddress(identityId: string, channelType: ChannelType, address: string): boolean {
    const identity = this.#identities.get(this.#follow(identityId));
    if (identity === undefined) return false;
    const key = addressKey(identity.organizationId, channelType, address);
    this.#checkFree(key, identity.id);
    const known = identity.channelAddresses?.[channelType] ?? [];
    if (known.includes(address)) return true;
    this.#put({ ...identity, channelAddresses: { ...identity.channelAddresses, [channelType]: [...known, address] } });
    return true;
  }

  mergeIdentities(merge: { intoId: string; fromId: string; by: string; reason?: string; at: string }): IdentityMerge | null {
    const into = this.#identities.get(this.#follow(merge.intoId));
    const from = this.#identities.get(merge.fromId);
    if (into === undefined || from === undefined || into.id === from.id) return null;
    const plan = planMerge(into, from, merge);
    for (const key of addressKeys(from)) this.#addresses.delete(key);
    this.#identities.delete(from.id);
    this.#merges.set(from.id, plan.merge);
    this.#put(plan.into);
    return copyJson(plan.merge);
  }

  unmergeIdentity(fromId: string): IdentityMerge | null {
    const merge = this.#merges.get(fromId);
    const into = merge === undefined ? undefined : this.#identities.get(this.#follow(merge.intoId));
    if (merge === undefined || into === undefined) return null;
    const plan = planUnmerge(into, merge);
    for (const key of addressKeys(plan.from)) this.#checkFree(key, into.id);
    for (const key of addressKeys(into)) this.#addresses.delete(key);
    this.#merges.delete(fromId);
    let id = merge.intoId;
    for (let later = this.#merges.get(id); later !== undefined; later = this.#merges.get(id)) {
      this.#merges.set(id, withoutUndone(later, merge));
      id = later.intoId;
    }
    this.#put(plan.into);
    this.#put(plan.from);
    return copyJson(merge);
  }

  listMerges(identityId: string): IdentityMerge[] {
    const id = this.#follow(identityId);
    const merges = [...this.#merges.values()].filter(({ fromId }) => this.#follow(fromId) === id);
    return copyJson(merges.sort(latestFirst));
  }

  remove(identityId: string): void {
    const identity = this.#identities.get(identityId);
    if (identity === undefined) return;
    for (const key of addressKeys(identity)) this.#addresses.delete(key);
    this.#identities.delete(identityId);
  }

  forgetMerge(fromId: string): void {
    this.#merges.delete(fromId);
  }

  identities(): Identity[] {
    return copyJson([...this.#identities.values()]);
  }

  merges(): IdentityMerge[] {
    return copyJson([...this.#merges.values()]);
  }

  /** Throws where {@link replace} would: when another identity, which stays, has one of its addresses. */
  checkAddresses(identity: Identity, goes: (identityId: string) => boolean): void {
    for (const key of addressKeys(identity)) if (!goes(this.#addresses.get(key) ?? '')) this.#checkFree(key, identity.id);
  }

  /** In the place of the one with its id. */
  replace(identity: Identity): void {
    const before = this.#identities.get(identity.id);
    if (before !== undefined) for (const key of addressKeys(before)) this.#addresses.delete(key);
    this.#put(identity);
  }

  replaceMerge(merge: IdentityMerge): void {
    this.#merges.set(merge.fromId, copyJson(merge));
  }

  #put(identity: Identity): void {
    this.#identities.set(identity.id, copyJson(identity));
    for (const key of addressKeys(identity)) this.#addresses.set(key, identity.id);
  }

  #follow(identityId: string): string {
    let id = identityId;
    for (let merge = this.#merges.get(id); merge !== undefined; merge = this.#merges.get(id)) id = merge.intoId;
    return id;
  }

  #checkFree(key: string, identityId: string): void {
    const owner = this.#addresses.get(key);
    if (owner !== undefined && owner !== identityId) {
      throw new ConflictError(`This address belongs to identity '${owner}' already. Merge the two, or remove it there first.`);
    }
  }
}

function addressKeys(identity: Identity): string[] {
  return Object.entries(identity.channelAddresses ?? {}).flatMap(([type, addresses]) =>
    addresses.map((address) => addressKey(identity.organizationId, type, address)),
  );
}

export function addressKey(organizationId: string | undefined, channelType: string, address: string): string {
  return `${organizationId ?? ''}\u0000${channelType}\u0000${address}`;
}
