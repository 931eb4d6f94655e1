-- A run's place in the tree was kept twice: it is in the body, and who asks for it decodes that anyway.
ALTER TABLE run DROP COLUMN tree_order;
