/** CREATED: waits for its turn. A job that was cut off by the end of the process goes back to CREATED. */
export type JobStatus = 'CREATED' | 'IN_PROGRESS' | 'COMPLETE' | 'ERROR' | 'CANCELLED'

/** A job as it is stored. */
export interface JobRecord {
  id: string
  type: string
  user: string
  /** When the user was made: a later one of the same name has nothing to do with the job. Milliseconds since 1970. */
  since: number
  /** The key for programs that it was started with. */
  apiKey?: string
  status: JobStatus
  message: string
  /** Milliseconds since 1970; 0: not yet. */
  created: number
  started: number
  ended: number
  /** What the kind of job needs to run, and to run again. */
  parameters: unknown
  /** Parts of the input that are stored beside the job. */
  parts: number
}

/** How far a job is, stored in the transactions of its work. */
export interface Progress {
  rows: number
  /** Rows in all; 0: unknown. */
  rowsTotal: number
  bytes: number
  /** Bytes in all; 0: unknown. */
  bytesTotal: number
  /** Rows that could not be taken. */
  errors: number
}

export const noProgress = (): Progress => ({ rows: 0, rowsTotal: 0, bytes: 0, bytesTotal: 0, errors: 0 })

/** A row of the input that could not be taken. */
export interface RowError {
  line: number
  reason: string
}

/** A job as callers see it; field names are HarperDB's where it has them. */
export interface JobView {
  id: string
  type: string
  user: string
  status: JobStatus
  message: string
  created_datetime: number
  start_datetime?: number
  end_datetime?: number
  progress: {
    rows: number
    bytes: number
    /** 0 to 100; null: the whole is not known. */
    percent: number | null
    rows_per_second: number
    errors: number
  }
  errors: RowError[]
}

export function viewOf(record: JobRecord, progress: Progress, rowsPerSecond: number, errors: RowError[]): JobView {
  const { id, type, user, status, message, created, started, ended } = record
  return {
    id,
    type,
    user,
    status,
    message,
    created_datetime: created,
    ...(started > 0 ? { start_datetime: started } : {}),
    ...(ended > 0 ? { end_datetime: ended } : {}),
    progress: {
      rows: progress.rows,
      bytes: progress.bytes,
      percent: percentOf(status, progress),
      rows_per_second: Math.round(rowsPerSecond),
      errors: progress.errors,
    },
    errors,
  }
}

function percentOf(status: JobStatus, { rows, rowsTotal, bytes, bytesTotal }: Progress): number | null {
  if (status === 'COMPLETE') return 100
  const share = bytesTotal > 0 ? bytes / bytesTotal : rowsTotal > 0 ? rows / rowsTotal : undefined
  return share === undefined ? null : Math.min(100, Math.floor(share * 1000) / 10)
}
