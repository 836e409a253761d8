"""Reading, writing and drawing of images and label maps; free of Paddle and Qt."""
