//! A daily and a monthly job: what was learnt breaks where the story says, and nowhere else.
