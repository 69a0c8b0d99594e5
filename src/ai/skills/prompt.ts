/** What a model reads of skills (SKL-04, SKL-06). Names and descriptions are escaped: they open and close nothing (AI-10). */
import { escapeMarks } from '../escape.js';
import type { Skill } from './skill.js';

/** The skills a model may activate; '' when there are none. */
export function skillsXml(skills: readonly Skill[]): string {
  if (skills.length === 0) return '';
  return ['<available_skills>', ...skills.map(entry), '</available_skills>'].join('\n');
}

/** An active skill, whole. `canRunScripts`: whether its scripts may be run at all. */
export function activeSkillText(skill: Skill, canRunScripts: boolean): string {
  const lines = [
    `<active_skill name="${skill.name}">`,
    skill.instructions === '' ? 'This skill has no instructions.' : escapeMarks(skill.instructions),
  ];
  if (skill.tool !== undefined) lines.push(`Tool: ${skill.name}`);
  if (skill.references.length > 0) lines.push(`References, to be read with read_skill_reference: ${escapeXml(skill.references.join(', '))}`);
  if (canRunScripts && skill.scripts.length > 0) lines.push(`Scripts, to be run with run_skill_script: ${escapeXml(skill.scripts.join(', '))}`);
  return [...lines, '</active_skill>'].join('\n');
}

function entry({ metadata }: Skill): string {
  const { name, description, license, compatibility } = metadata;
  const lines = [`  <skill name="${escapeXml(name)}">`, `    <description>${escapeXml(description)}</description>`];
  if (license !== undefined) lines.push(`    <license>${escapeXml(license)}</license>`);
  if (compatibility !== undefined) lines.push(`    <compatibility>${escapeXml(compatibility)}</compatibility>`);
  return [...lines, '  </skill>'].join('\n');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/** One line without any mark. */
function escapeXml(text: string): string {
  const line = text.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return escapeMarks(line.replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign));
}
