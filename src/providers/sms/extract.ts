/** Reads a call of any vendor of text messages. Pure; whatever a payload holds, it does not make it throw (PV-06). */
import { ValidationError } from '../../core/errors.js';
import type { InboundMedia } from '../../channels/inbound-content.js';
import { fieldsOf, isoOf, listOf, numberOf, textOf, type Fields } from '../_shared/http/reading.js';
import { isMmsWrapper } from '../_shared/sms/mms-wrapper.js';
import { withPlus, withPlusOrOne } from '../_shared/sms/numbers.js';
import { SINCH_STATUSES, statusIn, TELNYX_STATUSES, TWILIO_STATUSES } from '../_shared/sms/statuses.js';
import { SmsMeta, type SmsFields, type SmsVendor } from './meta.js';

/**
 * What a payload says, once its signature was verified. `provider` is a vendor's name in whatever case; throws ValidationError
 * for one that is not known.
 * @example
 * const meta = extractSmsMeta('twilio', form);
 * if (meta.isInbound) await kit.processInbound(meta.toInbound('sms'));
 * else if (meta.isStatus) await kit.processDeliveryStatus(meta.toStatus());
 */
export function extractSmsMeta(provider: string, payload: unknown): SmsMeta {
  const name = provider.toLowerCase();
  if (!isVendor(name)) throw new ValidationError(`No vendor of text messages is called '${provider}'. There are ${Object.keys(READERS).join(', ')}.`);
  return new SmsMeta(READERS[name](fieldsOf(payload)));
}

const READERS: Readonly<Record<SmsVendor, (payload: Fields) => SmsFields>> = { twilio, telnyx, sinch, voicemeup };

function isVendor(name: string): name is SmsVendor {
  return Object.hasOwn(READERS, name);
}

const MAX_MEDIA = 20;

function twilio(form: Fields): SmsFields {
  const word = textOf(form['MessageStatus']) ?? textOf(form['SmsStatus']);
  const isReceived = word === undefined || word === 'received';
  const code = textOf(form['ErrorCode']);
  const count = Math.min(numberOf(form['NumMedia']) ?? 0, MAX_MEDIA);
  const media: InboundMedia[] = [];
  for (let index = 0; index < count; index++)
    media.push({ url: textOf(form[`MediaUrl${index}`]), mimeType: textOf(form[`MediaContentType${index}`]) });
  return {
    ...common('twilio', form, form['From'], form['To'], textOf(form['ButtonText']) ?? form['Body'], media),
    ...given('externalId', textOf(form['MessageSid']) ?? textOf(form['SmsSid'])),
    ...given('eventType', word),
    ...(word !== undefined && { isMessageEvent: isReceived }),
    ...(!isReceived && given('status', statusIn(TWILIO_STATUSES, word))),
    ...(code !== undefined && code !== '0' && { errorCode: `twilio_${code}` }),
  };
}

function telnyx(payload: Fields): SmsFields {
  const data = fieldsOf(payload['data']);
  const message = fieldsOf(data['payload']);
  const eventType = textOf(data['event_type']);
  const to = fieldsOf(listOf(message['to'])[0]);
  const isReport = eventType === 'message.sent' || eventType === 'message.finalized' || eventType === 'message.read';
  const word = eventType === 'message.read' ? 'read' : (textOf(to['status']) ?? (eventType === 'message.sent' ? 'sent' : undefined));
  const status = isReport ? statusIn(TELNYX_STATUSES, word) : undefined;
  const code = textOf(fieldsOf(listOf(message['errors'])[0])['code']);
  const media = listOf(message['media'])
    .map(fieldsOf)
    .map(({ url, content_type: mimeType, size }) => ({ url: textOf(url), mimeType: textOf(mimeType), sizeBytes: numberOf(size) }));
  return {
    ...common('telnyx', payload, fieldsOf(message['from'])['phone_number'], to['phone_number'], message['text'], media),
    ...given('externalId', textOf(message['id'])),
    ...given('timestamp', isoOf(message['received_at']) ?? isoOf(data['occurred_at'])),
    ...direction(message['direction']),
    ...given('eventType', eventType),
    ...(eventType !== undefined && { isMessageEvent: eventType === 'message.received' }),
    ...given('status', status),
    ...(status === 'failed' && code !== undefined && { errorCode: `telnyx_${code}` }),
  };
}

function sinch(payload: Fields): SmsFields {
  const type = textOf(payload['type']);
  const isReport = type?.includes('delivery_report_') === true;
  const report = type?.startsWith('delivery_report_') === true ? fieldsOf(listOf(payload['statuses'])[0]) : payload;
  const status = isReport ? statusIn(SINCH_STATUSES, textOf(report['status'])) : undefined;
  const code = textOf(report['code']);
  const mms = fieldsOf(payload['body']);
  const media = [...listOf(mms['media']), ...listOf(payload['media'])]
    .map(fieldsOf)
    .filter((file) => file['status'] !== 'Failed')
    .map((file) => ({ url: textOf(file['url']), mimeType: textOf(file['content_type']) ?? textOf(file['mimeType']) }));
  const recipient = isReport ? (report['recipient'] ?? listOf(report['recipients'])[0]) : payload['to'];
  // The bytes of a binary message are no words.
  const body = type === 'mo_binary' ? undefined : (textOf(mms['message']) ?? textOf(mms['subject']) ?? payload['body']);
  return {
    ...common('sinch', payload, withPlus(payload['from']), withPlus(recipient), body, media),
    ...given('externalId', textOf(isReport ? payload['batch_id'] : payload['id'])),
    ...given('timestamp', isoOf(payload['received_at']) ?? isoOf(report['at'])),
    ...given('eventType', type),
    ...(type !== undefined && { isMessageEvent: type.startsWith('mo_') }),
    ...given('status', status),
    ...(status === 'failed' && code !== undefined && { errorCode: `sinch_${code}` }),
    ...(isReport && given('idempotencyKey', textOf(payload['client_reference']))),
  };
}

function voicemeup(payload: Fields): SmsFields {
  const url = textOf(payload['attachment']) ?? textOf(payload['attachment_url']);
  const mimeType = textOf(payload['attachment_mime_type']) ?? textOf(payload['attachment_type']);
  const media = url === undefined || isMmsWrapper(url, mimeType) ? [] : [{ url, mimeType }];
  return {
    ...common('voicemeup', payload, withPlusOrOne(payload['source_number']), withPlusOrOne(payload['destination_number']), payload['message'], media),
    ...given('externalId', textOf(payload['sms_hash'])),
    // Written without its zone, which is not documented: as it stands it would be read in this machine's.
    ...given(
      'timestamp',
      /(Z|[+-]\d\d:?\d\d)$/.test(textOf(payload['datetime_transmission']) ?? '') ? isoOf(payload['datetime_transmission']) : undefined,
    ),
    ...direction(payload['direction']),
  };
}

function common(provider: SmsVendor, raw: Fields, sender: unknown, recipient: unknown, body: unknown, media: readonly InboundMedia[]) {
  return {
    provider,
    sender: textOf(sender) ?? '',
    recipient: textOf(recipient) ?? '',
    body: textOf(body) ?? '',
    media: media.filter(({ url }) => url !== undefined),
    raw: { ...raw },
  } satisfies SmsFields;
}

function direction(value: unknown): Pick<SmsFields, 'direction'> {
  const word = textOf(value)?.toLowerCase();
  return word === 'inbound' || word === 'outbound' ? { direction: word } : {};
}

/** The field, where there is a value. */
function given<Name extends keyof SmsFields>(name: Name, value: SmsFields[Name] | undefined): Partial<Pick<SmsFields, Name>> {
  return value === undefined ? {} : ({ [name]: value } as Partial<Pick<SmsFields, Name>>); // the compiler widens a computed name
}
