/** Participants of a room. */
import { z } from 'zod';
import { ParticipantNotFoundError } from '../../core/index.js';
import { reachRoom } from '../access.js';
import { isClient } from '../auth/principal.js';
import { participantForClient } from '../client-view.js';
import { id, metadataPatch, text } from '../schemas/common.js';
import { ClientParticipant, Participant, participantStatus, role } from '../schemas/people.js';
import { requireIdentity } from './identities.js';
import { created, ok, route, type Route } from './route.js';

const OneParticipant = z.object({ participant: Participant });

export const peopleRoutes: readonly Route[] = [
  route({
    id: 'listParticipants',
    method: 'get',
    path: '/api/rooms/{roomId}/participants',
    tag: 'people',
    scope: 'read',
    summary: 'List everybody the room knows, those who left included.',
    answers: {
      200: { description: 'For clients names only.', schema: z.object({ participants: z.array(z.union([Participant, ClientParticipant])) }) },
    },
    refusals: ['room_not_found'],
    async handle({ parts, principal, params }) {
      const { participants } = await reachRoom(parts.kit, principal, params.roomId);
      return ok({ participants: isClient(principal) ? participants.map(participantForClient) : participants });
    },
  }),

  route({
    id: 'ensureParticipant',
    method: 'put',
    path: '/api/rooms/{roomId}/participants/{participantId}',
    tag: 'people',
    scope: 'operate',
    summary: 'Make a participant known to a room, unless it is.',
    description: 'Somebody who is known keeps name and role; the channel is added to those they speak through.',
    body: z.strictObject({ channelId: id, displayName: id.optional(), role: role.optional() }),
    answers: {
      201: { description: 'The new participant.', schema: OneParticipant },
      200: { description: 'The participant that was there.', schema: OneParticipant },
    },
    refusals: ['room_not_found'],
    async handle({ parts: { kit }, principal, params: { roomId, participantId }, body: { channelId, ...options } }) {
      const { participants } = await reachRoom(kit, principal, roomId);
      const participant = await kit.ensureParticipant(roomId, channelId, participantId, options);
      return created({ participant }, !participants.some((known) => known.id === participantId));
    },
  }),

  route({
    id: 'changeParticipant',
    method: 'patch',
    path: '/api/rooms/{roomId}/participants/{participantId}',
    tag: 'people',
    scope: 'operate',
    summary: 'Change name, role, status or metadata of a participant.',
    description: "With status `banned` or `left` a person's client token stops working in the room. Metadata is merged, and `null` removes a key.",
    body: z.strictObject({
      displayName: id.optional(),
      role: role.optional(),
      status: participantStatus.optional(),
      metadata: metadataPatch.optional(),
    }),
    answers: { 200: { description: 'The participant as it is now.', schema: OneParticipant } },
    refusals: ['room_not_found', 'participant_not_found', 'room_closed'],
    async handle({ parts: { kit }, principal, params: { roomId, participantId }, body }) {
      await reachRoom(kit, principal, roomId);
      return ok({ participant: await kit.updateParticipant(roomId, participantId, body) });
    },
  }),

  route({
    id: 'resolveParticipant',
    method: 'post',
    path: '/api/rooms/{roomId}/participants/{participantId}/resolve',
    tag: 'people',
    scope: 'operate',
    summary: 'Say which identity a participant is.',
    body: z.strictObject({ identityId: id, resolvedBy: text(255).min(1).optional() }),
    answers: { 200: { description: 'The participant as it is now.', schema: OneParticipant } },
    refusals: ['room_not_found', 'participant_not_found', 'identity_not_found', 'room_closed'],
    async handle({ parts, principal, params: { roomId, participantId }, body }) {
      const { kit } = parts;
      const { participants } = await reachRoom(kit, principal, roomId);
      if (!participants.some((known) => known.id === participantId)) throw new ParticipantNotFoundError(roomId, participantId);
      const identity = await requireIdentity(parts, principal, body.identityId);
      return ok({ participant: await kit.resolveParticipant(roomId, participantId, identity.id, body.resolvedBy) });
    },
  }),
];
