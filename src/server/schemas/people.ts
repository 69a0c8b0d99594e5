/** Participants and identities, as the server answers them. */
import { z } from 'zod';
import {
  IdentificationStatus,
  ParticipantRole,
  ParticipantStatus,
  type Identity as CoreIdentity,
  type IdentityMerge as CoreMerge,
  type Participant as CoreParticipant,
} from '../../core/index.js';
import { channelType } from './channels.js';
import { json, time } from './common.js';

export const role = z.enum(ParticipantRole);
export const participantStatus = z.enum(ParticipantStatus);

const addresses = z.partialRecord(channelType, z.array(z.string()));

export const Identity = z
  .object({
    id: z.string(),
    organizationId: z.string().optional(),
    displayName: z.string().optional(),
    email: z.string().optional(),
    phone: z.string().optional(),
    channelAddresses: addresses.optional(),
    externalId: z.string().optional(),
    externalIds: z.record(z.string(), z.string()).optional(),
    metadata: json.optional(),
  })
  .meta({ id: 'Identity', description: 'A person behind the senders.' }) satisfies z.ZodType<CoreIdentity>;

export const IdentityMerge = z
  .object({
    intoId: z.string(),
    fromId: z.string(),
    by: z.string(),
    reason: z.string().optional(),
    at: time,
    from: Identity,
    movedAddresses: addresses,
    movedExternalIds: z.record(z.string(), z.string()),
  })
  .meta({ id: 'IdentityMerge', description: 'What a merge moved, so that it can be undone.' }) satisfies z.ZodType<CoreMerge>;

export const Participant = z
  .object({
    id: z.string(),
    roomId: z.string(),
    channelId: z.string(),
    displayName: z.string().optional(),
    role,
    status: participantStatus,
    identification: z.enum(IdentificationStatus),
    identityId: z.string().optional(),
    candidates: z.array(Identity).optional(),
    connectedVia: z.array(z.string()),
    externalId: z.string().optional(),
    resolvedAt: time.optional(),
    resolvedBy: z.string().optional(),
    joinedAt: time,
    metadata: json,
  })
  .meta({ id: 'Participant', description: 'Somebody, or some program, as one room knows it.' }) satisfies z.ZodType<CoreParticipant>;

/** Names, not identities. */
export const ClientParticipant = z
  .object({ id: z.string(), displayName: z.string().optional(), role, status: participantStatus })
  .meta({ id: 'ClientParticipant', description: 'A participant as people in the room see it.' });
