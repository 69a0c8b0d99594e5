/** The tools by which a model uses skills (SKL-05), as it is shown them. */
import { freezeJson } from '../../core/models/json.js';
import type { AITool } from '../../core/models/ai.js';

/** The name of the tool that puts a skill in force. */
export const ACTIVATE_SKILL = 'activate_skill';
/** The name of the tool that reads a file of a skill's `references/`. */
export const READ_SKILL_REFERENCE = 'read_skill_reference';
/** The name of the tool that runs a file of a skill's `scripts/`. */
export const RUN_SKILL_SCRIPT = 'run_skill_script';

/** The kit's own names: no other tool may have them. */
export const SKILL_TOOLS: ReadonlySet<string> = new Set([ACTIVATE_SKILL, READ_SKILL_REFERENCE, RUN_SKILL_SCRIPT]);

export const activateSkill: AITool = freezeJson({
  name: ACTIVATE_SKILL,
  description:
    'Activates one of the available skills for the rest of this conversation and gives its instructions. Call it before you do what a skill is for.',
  parameters: {
    type: 'object',
    properties: { name: { type: 'string', description: 'The name of the skill.' } },
    required: ['name'],
    additionalProperties: false,
  },
  idempotent: true,
});

export const readSkillReference: AITool = freezeJson({
  name: READ_SKILL_REFERENCE,
  description: 'Reads one of the files that a skill names as its references.',
  parameters: {
    type: 'object',
    properties: {
      skill_name: { type: 'string', description: 'The name of the skill.' },
      filename: { type: 'string', description: 'The name of the file, without any folder.' },
    },
    required: ['skill_name', 'filename'],
    additionalProperties: false,
  },
  idempotent: true,
});

export const runSkillScript: AITool = freezeJson({
  name: RUN_SKILL_SCRIPT,
  description: 'Runs one of the scripts of a skill and gives its exit code and what it wrote.',
  parameters: {
    type: 'object',
    properties: {
      skill_name: { type: 'string', description: 'The name of the skill.' },
      script_name: { type: 'string', description: 'The name of the script, without any folder.' },
      arguments: { type: 'array', items: { type: 'string' }, maxItems: 64, description: 'What the script is given, one text each.' },
    },
    required: ['skill_name', 'script_name'],
    additionalProperties: false,
  },
});
