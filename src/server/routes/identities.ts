/** Identities: the persons behind the senders, within the caller's organization. */
import { z } from 'zod';
import { IdentityNotFoundError, type Identity as CoreIdentity } from '../../core/index.js';
import type { Principal } from '../auth/principal.js';
import type { ServerParts } from '../parts.js';
import { Refusal } from '../problem.js';
import { channelType } from '../schemas/channels.js';
import { id, metadata, text } from '../schemas/common.js';
import { Identity, IdentityMerge } from '../schemas/people.js';
import { created, ok, route, type Route } from './route.js';

export const address = text(320).min(1);
const OneIdentity = z.object({ identity: Identity });

export const identityRoutes: readonly Route[] = [
  route({
    id: 'createIdentity',
    method: 'post',
    path: '/api/identities',
    tag: 'identities',
    scope: 'operate',
    summary: 'Make an identity.',
    body: z.strictObject({
      id: id.optional(),
      organizationId: id.optional(),
      displayName: id.optional(),
      email: address.optional(),
      phone: address.optional(),
      channelAddresses: z.partialRecord(channelType, z.array(address).max(100)).optional(),
      externalId: id.optional(),
      externalIds: z.record(z.string().min(1).max(255), id).optional(),
      metadata: metadata.optional(),
    }),
    answers: { 201: { description: 'The new identity.', schema: OneIdentity } },
    refusals: ['conflict'],
    async handle({ parts, principal, body }) {
      const organizationId = organizationFor(principal, body.organizationId);
      const identity = await parts.kit.createIdentity({ ...body, ...(organizationId !== undefined && { organizationId }) });
      return created({ identity });
    },
  }),

  route({
    id: 'findIdentity',
    method: 'get',
    path: '/api/identities',
    tag: 'identities',
    scope: 'operate',
    summary: 'Find whom an address belongs to.',
    query: z.object({ channelType, address }),
    answers: { 200: { description: 'Null when nobody is known by it.', schema: z.object({ identity: Identity.nullable() }) } },
    async handle({ parts: { kit }, principal, query }) {
      const organizationId = organizationFor(principal, undefined);
      const identity = await kit.findIdentity({ ...query, ...(organizationId !== undefined && { organizationId }) });
      return ok({ identity: identity !== null && isOf(principal, identity) ? identity : null });
    },
  }),

  route({
    id: 'getIdentity',
    method: 'get',
    path: '/api/identities/{identityId}',
    tag: 'identities',
    scope: 'operate',
    summary: 'Read an identity; one that was merged away is read as the one it went into.',
    answers: { 200: { description: 'The identity.', schema: OneIdentity } },
    refusals: ['identity_not_found'],
    async handle({ parts, principal, params }) {
      return ok({ identity: await requireIdentity(parts, principal, params.identityId) });
    },
  }),

  route({
    id: 'linkAddress',
    method: 'post',
    path: '/api/identities/{identityId}/addresses',
    tag: 'identities',
    scope: 'operate',
    summary: 'Give an identity one more address.',
    description: 'A repeat changes nothing.',
    body: z.strictObject({ channelType, address }),
    answers: { 200: { description: 'The identity as it is now.', schema: OneIdentity } },
    refusals: ['identity_not_found', 'conflict'],
    async handle({ parts, principal, params, body }) {
      const identity = await requireIdentity(parts, principal, params.identityId);
      return ok({ identity: await parts.kit.linkAddress(identity.id, body.channelType, body.address) });
    },
  }),

  route({
    id: 'mergeIdentities',
    method: 'post',
    path: '/api/identities/{identityId}/merge',
    tag: 'identities',
    scope: 'operate',
    summary: 'Say that another identity is the same person; it goes into this one.',
    description: 'Events and participants are not rewritten. It can be taken back.',
    body: z.strictObject({ fromId: id, reason: text(1000).optional() }),
    answers: {
      200: { description: 'What moved; null when they were one already.', schema: z.object({ merge: IdentityMerge.nullable() }) },
    },
    refusals: ['identity_not_found', 'conflict'],
    async handle({ parts, principal, params: { identityId }, body: { fromId, reason } }) {
      await requireIdentity(parts, principal, identityId);
      await requireIdentity(parts, principal, fromId);
      const merge = await parts.kit.mergeIdentities(identityId, fromId, { by: principal.id, ...(reason !== undefined && { reason }) });
      return ok({ merge });
    },
  }),

  route({
    id: 'unmergeIdentity',
    method: 'post',
    path: '/api/identities/{identityId}/unmerge',
    tag: 'identities',
    scope: 'operate',
    summary: 'Take back that this identity was merged into another.',
    answers: { 200: { description: 'What moved back; null when it was not merged.', schema: z.object({ merge: IdentityMerge.nullable() }) } },
    refusals: ['identity_not_found'],
    async handle({ parts, principal, params: { identityId } }) {
      await requireIdentity(parts, principal, identityId);
      return ok({ merge: await parts.kit.unmergeIdentity(identityId) });
    },
  }),

  route({
    id: 'listMerges',
    method: 'get',
    path: '/api/identities/{identityId}/merges',
    tag: 'identities',
    scope: 'operate',
    summary: 'List what went into an identity, the latest first.',
    description: 'Who merged it, when, why, and what moved; directly or by way of another. What was taken back is not in it.',
    answers: { 200: { description: 'The merges.', schema: z.object({ merges: z.array(IdentityMerge) }) } },
    refusals: ['identity_not_found'],
    async handle({ parts, principal, params: { identityId } }) {
      const { id } = await requireIdentity(parts, principal, identityId);
      return ok({ merges: await parts.kit.listMerges(id) });
    },
  }),
];

/** Throws IdentityNotFoundError, in the same words whether it is not there or another organization's (AUTH-09). */
export async function requireIdentity({ kit }: ServerParts, principal: Principal, identityId: string): Promise<CoreIdentity> {
  refuseRoomBound(principal);
  const identity = await kit.getIdentity(identityId);
  if (identity === null || !isOf(principal, identity)) throw new IdentityNotFoundError(identityId);
  return identity;
}

/** Whose identities the caller keeps; refuses another organization's. */
export function organizationFor(principal: Principal, asked: string | undefined): string | undefined {
  refuseRoomBound(principal);
  if (asked !== undefined && principal.organizationId !== undefined && asked !== principal.organizationId)
    throw new Refusal('forbidden', 'The caller keeps identities of its own organization only.');
  return principal.organizationId ?? asked;
}

function isOf(principal: Principal, identity: CoreIdentity): boolean {
  return principal.organizationId === undefined || identity.organizationId === principal.organizationId;
}

/** Identities are known in every room of an organization: not to callers who have a few rooms only. */
function refuseRoomBound(principal: Principal): void {
  if (principal.rooms !== undefined) throw new Refusal('forbidden', 'The caller has a fixed list of rooms; identities belong to no room.');
}
