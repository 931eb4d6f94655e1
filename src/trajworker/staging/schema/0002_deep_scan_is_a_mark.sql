-- When the horizon was last scanned is a mark (`worker.cycle`), which also counts from a first cycle without a scan.
ALTER TABLE project DROP COLUMN deep_scanned;
