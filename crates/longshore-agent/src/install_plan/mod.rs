//! What an Install will do, decided before anything is touched.
