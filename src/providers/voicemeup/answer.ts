/** What VoiceMeUp answers: with status 200 also when it refuses. */
import type { ProviderResult } from '../../core/models/delivery.js';
import type { HttpAnswer } from '../_shared/http/client.js';
import { refusal } from '../_shared/http/failure.js';
import { fieldsOf, textOf, type Fields } from '../_shared/http/reading.js';

export function resultOf(answer: HttpAnswer, secret: string): ProviderResult {
  const details = fieldsOf(fieldsOf(answer.json)['response_details']);
  const messages = messagesOf(details);
  const isRefused = textOf(details['response_status']) === 'error';
  if (answer.status >= 200 && answer.status < 300 && !isRefused) {
    // What was taken without a readable id is sent all the same: another attempt would double it.
    const id = textOf(messages.find(({ code }) => code === 'queued_sms_hash')?.['_content']);
    return { success: true, ...(id !== undefined && { providerMessageId: id }) };
  }
  const code = textOf(messages[0]?.['code']);
  const named = code !== undefined && /^[A-Za-z0-9_.-]{1,100}$/.test(code) ? { code: `voicemeup_${code}` } : {};
  // A refusal with status 200 is one of the request.
  const status = answer.status < 300 ? 400 : answer.status;
  return refusal({ status, headers: answer.headers }, { ...named, message: textOf(messages[0]?.['_content']) }, [secret]);
}

/** One message comes as itself, several as a list. */
function messagesOf(details: Fields): readonly Fields[] {
  const given = fieldsOf(details['response_messages'])['message'];
  return (Array.isArray(given) ? (given as unknown[]) : [given]).map(fieldsOf);
}
