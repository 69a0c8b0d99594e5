/** One person as this room knows them. */
import type { VNode } from 'preact';
import { exactTime } from '../logic/time.js';
import { addDevice } from '../store/devices.js';
import type { OpenRoom } from '../store/room.js';
import { go } from '../store/route.js';
import { Icon } from './icons.js';
import { IdentityPart } from './identity-part.js';
import { Copyable, Facts, Json, PanelHead, Section } from './parts.js';

export function ParticipantPanel({ room, participantId }: { room: OpenRoom; participantId: string }): VNode {
  void room.rows.value;
  const participant = room.names.value.participants.get(participantId);
  if (participant === undefined) {
    return (
      <>
        <PanelHead kind="Person" title={participantId} />
        <p class="quiet-line padded">Nobody of this id is in the room.</p>
      </>
    );
  }
  const { displayName, role, status, identification, identityId, channelId, connectedVia, joinedAt, metadata, candidates } = participant;
  const said = room.events.filter(({ source }) => source.participantId === participantId);
  const isWeb = room.names.value.bindings.get(channelId)?.channelType === 'websocket';
  return (
    <>
      <PanelHead kind="Person" title={displayName ?? participantId} />
      <Section title="Facts">
        <Facts
          facts={[
            ['Role', role],
            ['Status', status],
            ['Identified', identification.replace('_', ' ')],
            identityId !== undefined && ['Identity', <Copyable text={identityId} />],
            [
              'Channel',
              <button type="button" class="link" onClick={() => go({ inspect: 'channel', subject: channelId })}>
                {channelId}
              </button>,
            ],
            connectedVia.length > 0 && ['Also through', connectedVia.join(', ')],
            ['Joined', exactTime(joinedAt)],
            ['Said here', `${said.length} of the events shown`],
            ['Id', <Copyable text={participantId} />],
          ]}
        />
        {candidates !== undefined && candidates.length > 0 && <Json title={`Candidates · ${candidates.length}`} value={candidates} />}
        {Object.keys(metadata).length > 0 && <Json title="Metadata" value={metadata} />}
        <div class="actions wide">
          {isWeb && (
            <button
              type="button"
              onClick={() => {
                addDevice(room.roomId, { channelId, participantId, displayName: displayName ?? participantId });
                go({ devices: true });
              }}
            >
              <Icon name="device" size={14} />
              Speak as {displayName ?? participantId}
            </button>
          )}
        </div>
      </Section>
      {identityId !== undefined && <IdentityPart key={identityId} room={room} identityId={identityId} />}
    </>
  );
}
