/** An ApplicationSet and what it gives: for each Application `NAME DESTINATION PATH`, and `auto` where it syncs by itself. */
export interface TableRow {
  name: string;
  yaml: string;
  expected: string[];
}
