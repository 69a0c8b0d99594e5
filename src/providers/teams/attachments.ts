/** Files that people send: pictures at the connector, everything else in OneDrive or SharePoint. */
import type { InboundMedia } from '../../channels/inbound-content.js';
import { fieldsOf, listOf, textOf } from '../_shared/http/reading.js';

const TYPES: Readonly<Record<string, string>> = {
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
  pdf: 'application/pdf',
  txt: 'text/plain',
  csv: 'text/csv',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
};

/** Cards, and the copy of a text as HTML, are no files. */
export function mediaIn(attachments: unknown): readonly InboundMedia[] {
  return listOf(attachments).flatMap((entry): readonly InboundMedia[] => {
    const { contentType, contentUrl, content, name } = fieldsOf(entry);
    const type = textOf(contentType) ?? '';
    const filename = textOf(name);
    if (type === 'application/vnd.microsoft.teams.file.download.info') {
      // For some minutes this address gives the file without a credential; the other needs one of Microsoft Graph.
      const { downloadUrl, fileType } = fieldsOf(content);
      const ending = (textOf(fileType) ?? filename?.split('.').at(-1) ?? '').toLowerCase();
      return [{ url: textOf(downloadUrl) ?? textOf(contentUrl), mimeType: Object.hasOwn(TYPES, ending) ? TYPES[ending] : undefined, filename }];
    }
    if (!/^(?:image|audio|video)\//i.test(type)) return [];
    return [{ url: textOf(contentUrl), mimeType: type.endsWith('/*') ? undefined : type, filename }];
  });
}
