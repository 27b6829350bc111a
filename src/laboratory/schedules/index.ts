import type { LaboratorySchedule } from '../schedule.ts';
import { VOCABULARY } from './hermitage.ts';
import { READS } from './reads.ts';
import { RULES } from './rules.ts';
import { UPDATES } from './updates.ts';

/** All schedules, those of Hermitage first. */
export const LABORATORY_SCHEDULES: readonly LaboratorySchedule[] = [...VOCABULARY, ...UPDATES, ...READS, ...RULES];
