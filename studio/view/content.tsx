/** What an event says, drawn by its kind. Nothing is loaded from elsewhere by itself: a link is followed by who wants to. */
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { bytes, kindOfMedia, textOf } from '../logic/content.js';
import type { EventContent } from '../types.js';
import { Icon, type IconName } from './icons.js';

/** Longer texts are cut until somebody wants all of them. */
const LONG = 1200;
const MANY_LINES = 16;

export function ContentView({ content }: { content: EventContent }): VNode {
  switch (content.type) {
    case 'text':
    case 'system':
      return <Words text={content.body} />;
    case 'rich':
      return (
        <>
          <Words text={content.plainText ?? content.body} />
          {content.cards?.map(({ title, subtitle, body, buttons }, position) => (
            <div key={position} class="card-content">
              <b>{title}</b>
              {subtitle !== undefined && <span>{subtitle}</span>}
              {body !== undefined && <p>{body}</p>}
              <Chips labels={buttons?.map(({ label }) => label)} />
            </div>
          ))}
          <Chips
            labels={[
              ...(content.buttons?.map(({ label }) => label) ?? []),
              ...(content.quickReplies?.map((reply) => (typeof reply === 'string' ? reply : reply.label)) ?? []),
            ]}
          />
        </>
      );
    case 'media':
      return (
        <Attachment
          icon={content.mimeType.startsWith('image/') ? 'picture' : 'file'}
          url={content.url}
          name={content.filename ?? kindOfMedia(content.mimeType)}
          about={[content.mimeType, bytes(content.sizeBytes)]}
          caption={content.caption}
        />
      );
    case 'audio':
      return (
        <Attachment
          icon="sound"
          url={content.url}
          name="Voice message"
          about={[content.durationSeconds === undefined ? '' : `${Math.round(content.durationSeconds)} s`]}
          caption={content.transcript}
        />
      );
    case 'video':
      return (
        <Attachment
          icon="picture"
          url={content.url}
          name="Video"
          about={[content.durationSeconds === undefined ? '' : `${Math.round(content.durationSeconds)} s`]}
        />
      );
    case 'location':
      return (
        <Attachment
          icon="pin"
          name={content.label ?? content.address ?? 'Place'}
          about={[`${content.latitude.toFixed(5)}, ${content.longitude.toFixed(5)}`, content.label === undefined ? '' : (content.address ?? '')]}
        />
      );
    case 'composite':
      return (
        <>
          {content.parts.map((part, position) => (
            <ContentView key={position} content={part} />
          ))}
        </>
      );
    case 'template':
      return (
        <>
          <Words text={textOf(content)} />
          <p class="quiet-line">
            template {content.templateId} · {content.language ?? 'en'}
          </p>
        </>
      );
    case 'edit':
      return (
        <>
          <p class="quiet-line">edits an earlier message to</p>
          <ContentView content={content.newContent} />
        </>
      );
    case 'delete':
      return <p class="quiet-line">{textOf(content)}</p>;
  }
}

function Words({ text }: { text: string }): VNode {
  const [whole, setWhole] = useState(false);
  const lines = text.split('\n');
  const isLong = text.length > LONG || lines.length > MANY_LINES;
  const shown = !isLong || whole ? text : `${lines.slice(0, MANY_LINES).join('\n').slice(0, LONG)}…`;
  return (
    <>
      <p dir="auto">{shown}</p>
      {isLong && (
        <button type="button" class="link" onClick={() => setWhole(!whole)}>
          {whole ? 'Show less' : `Show all ${text.length.toLocaleString()} characters`}
        </button>
      )}
    </>
  );
}

function Chips({ labels = [] }: { labels?: readonly string[] | undefined }): VNode | null {
  if (labels.length === 0) return null;
  return (
    <p class="chips">
      {labels.map((label, position) => (
        <span key={position}>{label}</span>
      ))}
    </p>
  );
}

interface AttachmentProps {
  readonly icon: IconName;
  readonly name: string;
  readonly about: readonly string[];
  readonly url?: string;
  readonly caption?: string | undefined;
}

function Attachment({ icon, name, about, url, caption }: AttachmentProps): VNode {
  const isLink = url !== undefined && /^https?:/i.test(url);
  return (
    <>
      <p class="attachment">
        <Icon name={icon} />
        {isLink ? (
          <a href={url} target="_blank" rel="noreferrer noopener">
            {name}
          </a>
        ) : (
          <b>{name}</b>
        )}
        <span>{about.filter((part) => part !== '').join(' · ')}</span>
      </p>
      {caption !== undefined && <p dir="auto">{caption}</p>}
    </>
  );
}
