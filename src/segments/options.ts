import type { StoreSettings } from '../analytics/index.js'
import type { CompileSettings } from './compile.js'

/** The settings of event tables: the group events of schemas/config.json. */
export interface EventsSettings {
  workers: number
  partitions: number
  cache_bytes_max: number
  rows_per_person_max: number
  inserts_max: number
  rows_per_event_max: number
  depth_max: number
  person_characters_max: number
  text_characters_max: number
  set_elements_max: number
  segments_max: number
  expired_segment_keep_ms: number
  script_characters_max: number
  result_nodes_max: number
  result_characters_max: number
  steps_max: number
  elements_max: number
  call_depth_max: number
  trace_lines_max: number
}

export function storeSettingsOf(settings: EventsSettings, workers: number, receiptLifeMs: number): StoreSettings {
  return {
    limits: {
      personCharactersMax: settings.person_characters_max,
      textCharactersMax: settings.text_characters_max,
      setElementsMax: settings.set_elements_max,
      rowsPerEventMax: settings.rows_per_event_max,
      depthMax: settings.depth_max,
    },
    rowsPerPersonMax: settings.rows_per_person_max,
    insertsMax: settings.inserts_max,
    receiptLifeMs,
    resultCharactersMax: settings.result_characters_max,
    cacheBytesMax: Math.floor(settings.cache_bytes_max / workers),
  }
}

export function compileSettingsOf(settings: EventsSettings): CompileSettings {
  return {
    scriptCharactersMax: settings.script_characters_max,
    scan: {
      stepsMax: settings.steps_max,
      memoryMax: settings.elements_max,
      nodesMax: settings.result_nodes_max,
      charactersMax: settings.result_characters_max,
      depthMax: settings.call_depth_max,
      traceMax: settings.trace_lines_max,
    },
  }
}
