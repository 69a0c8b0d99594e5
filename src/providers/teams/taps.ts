/** What a button of a card carries, and how it comes back. */
import { fieldsOf, isFields, textOf } from '../_shared/http/reading.js';

/** The field of a card's data that is the kit's. */
const FIELD = 'roomkit';

/** A button that was tapped. */
export interface TeamsTap {
  readonly label: string;
  readonly action: { readonly id: string; readonly value?: string; readonly kind: 'reply' };
  /** What was entered into the fields of a card of your own. */
  readonly inputs?: Readonly<Record<string, unknown>>;
}

/**
 * The data of an `Action.Submit`. As a message back, Teams shows the label in the chat as what the person said.
 * @see https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-actions
 */
export function tapData(choice: { readonly id: string; readonly label: string; readonly value?: string }): Readonly<Record<string, unknown>> {
  const { id, label, value } = choice;
  const carried = { [FIELD]: { id, label, ...(value !== undefined && { value }) } };
  return { msteams: { type: 'messageBack', displayText: label, text: label, value: carried }, ...carried };
}

/** The tap in an activity's value; of cards of your own, `id` or `action` names the button, and all of it is its value. */
export function tapIn(value: unknown): TeamsTap | undefined {
  const data = typeof value === 'string' ? parsed(value) : value;
  if (!isFields(data)) return undefined;
  const { [FIELD]: own, msteams: _, ...rest } = data;
  const inputs = Object.keys(rest).length === 0 ? {} : { inputs: rest };
  const { id, label, value: carried } = fieldsOf(own);
  const given = textOf(id);
  if (given !== undefined) {
    const known = textOf(carried);
    return { label: textOf(label) ?? given, action: { id: given, ...(known !== undefined && { value: known }), kind: 'reply' }, ...inputs };
  }
  const name = textOf(rest['id']) ?? textOf(rest['action']) ?? 'submit';
  return { label: name, action: { id: name, value: JSON.stringify(rest), kind: 'reply' }, ...inputs };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
