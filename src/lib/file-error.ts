import { Problem } from './problem.js'

/** The error of a file operation, or the problem that it means when no space was left. */
export function fileErrorOf(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG' ? new Problem('disk_full', {}) : error
}
