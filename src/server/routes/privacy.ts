/** What is kept of people, and that it goes: of the caller's organization, for callers of scope admin (ERA-11, ERA-12). */
import { z } from 'zod';
import type { EraseOptions } from '../../core/index.js';
import { channelType } from '../schemas/channels.js';
import { id } from '../schemas/common.js';
import { address, organizationFor, requireIdentity } from './identities.js';
import { ok, route, type Route } from './route.js';

/** What a person is erased, or looked up, by. */
const Person = z.strictObject({ channelType, address, organizationId: id.optional() });
const Erasure = z.strictObject({
  whereAlone: z.enum(['everything', 'own', 'room']).optional(),
  keepOptOuts: z.boolean().optional(),
});
const Erased = {
  200: { description: 'How much was erased; all zeros when nothing was there.', schema: z.object({ report: z.record(z.string(), z.int()) }) },
};

export const privacyRoutes: readonly Route[] = [
  route({
    id: 'eraseIdentity',
    method: 'post',
    path: '/api/identities/{identityId}/erase',
    tag: 'identities',
    scope: 'admin',
    summary: 'Erase a person: what they wrote, who they are, and what hangs on both.',
    description: 'It cannot be taken back. When it fails half-way, call it again. Takes as long as the store is large.',
    body: Erasure,
    answers: Erased,
    refusals: ['identity_not_found'],
    async handle({ parts, principal, params, body }) {
      const identity = await requireIdentity(parts, principal, params.identityId);
      return ok({ report: await parts.kit.eraseIdentity(identity.id, definedOf(body)) });
    },
  }),

  route({
    id: 'erasePerson',
    method: 'post',
    path: '/api/people/erase',
    tag: 'identities',
    scope: 'admin',
    summary: 'Erase whoever has this address, with an identity or without.',
    description: 'It cannot be taken back. When it fails half-way, call it again. Takes as long as the store is large.',
    body: Person.extend(Erasure.shape),
    answers: Erased,
    async handle({ parts, principal, body: { channelType: type, address: at, organizationId: asked, ...options } }) {
      const organizationId = organizationFor(principal, asked);
      const person = { channelType: type, address: at, ...(organizationId !== undefined && { organizationId }) };
      return ok({ report: await parts.kit.erasePerson(person, definedOf(options)) });
    },
  }),

  route({
    id: 'exportPerson',
    method: 'post',
    path: '/api/people/export',
    tag: 'identities',
    scope: 'admin',
    summary: 'Give what is kept of a person.',
    description: 'The identity with what was merged into it, and per room the participants and the events they wrote. Nothing of others.',
    body: Person,
    answers: { 200: { description: 'All of it.', schema: z.object({ person: z.record(z.string(), z.unknown()) }) } },
    async handle({ parts, principal, body: { organizationId: asked, ...person } }) {
      const organizationId = organizationFor(principal, asked);
      return ok({ person: await parts.kit.exportPerson({ ...person, ...(organizationId !== undefined && { organizationId }) }) });
    },
  }),
];

function definedOf({ whereAlone, keepOptOuts }: z.output<typeof Erasure>): EraseOptions {
  return { ...(whereAlone !== undefined && { whereAlone }), ...(keepOptOuts !== undefined && { keepOptOuts }) };
}
