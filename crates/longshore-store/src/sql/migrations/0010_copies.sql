-- Which copy of a command runs is written with its target.
ALTER TABLE hand_outs DROP COLUMN is_ack_answered;
